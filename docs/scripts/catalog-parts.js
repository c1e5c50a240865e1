"use strict";
// Small parts of the catalog's page: elements, and what may be put into a field.
(() => {
  // Of a reference's scheme: an example of a path, and what it names.
  const WHERE = {
    env: ["NAME", "The environment variable"],
    file: ["/run/secrets/name", "The file"],
    block: ["slug/name#field", "The block and its field"],
    "aws-sm": ["prod/app#password", "The secret and its field"],
    "aws-ssm": ["/prod/app/password", "The parameter"],
    vault: ["kv/app#password", "The secret and its field"],
  };

  // An element; what stands in it is text or elements, never HTML.
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
      if (value !== null && value !== undefined && value !== false)
        element.setAttribute(name, value === true ? "" : value);
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

  const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);

  const textProblem = (schema, text) => {
    const length = [...text].length;
    if (length < (schema.minLength || 0)) return `At least ${schema.minLength} characters.`;
    if (length > (schema.maxLength ?? Infinity)) return `At most ${schema.maxLength} characters.`;
    if (typeof schema.pattern !== "string" || schema.pattern.length > 300 || length > 300) return "";
    try {
      return new RegExp(schema.pattern, "u").test(text) ? "" : `It must match ${schema.pattern}`;
    } catch {
      return ""; // a pattern that only Python knows
    }
  };

  const numberProblem = (schema, text) => {
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return "This is no number.";
    const value = Number(text);
    if (schema.type === "integer" && !Number.isSafeInteger(value)) return "This is no whole number.";
    if (!Number.isFinite(value)) return "This is too large.";
    if (value < (schema.minimum ?? -Infinity)) return `At least ${schema.minimum}.`;
    if (value > (schema.maximum ?? Infinity)) return `At most ${schema.maximum}.`;
    if (value <= (schema.exclusiveMinimum ?? -Infinity)) return `More than ${schema.exclusiveMinimum}.`;
    if (value >= (schema.exclusiveMaximum ?? Infinity)) return `Less than ${schema.exclusiveMaximum}.`;
    return "";
  };

  // The environment variable that is proposed for a secret: AWS_SECRET_ACCESS_KEY.
  const variableOf = (block, path) => {
    const core = /^brickwork[.:]/.test(block.python || "");
    const prefix = core ? block.name : block.name.split("-")[0];
    return `${prefix}_${path.join("_")}`.toUpperCase().replace(/[^A-Z0-9_]/g, "_");
  };

  window.brickworkParts = { WHERE, make, numberProblem, own, textProblem, variableOf };
})();
