"use strict";
// What was put into a form, written as YAML, as Python and as a command.
(() => {
  // ${scheme:path#field}, kept as it is written.
  class Reference {
    constructor(text) {
      this.text = text;
    }
  }

  // A block that is saved on its own: slug/name.
  class Saved {
    constructor(address) {
      this.address = address;
    }
  }

  // The fields inside a field: of a model, whose names are known, unlike the keys of a mapping.
  class Fields extends Map {}

  // The same tokens as in brickwork/vault/references.py.
  const TOKEN = /\$\$\{|\$\{(?:([a-z][a-z0-9+.-]*):([^{}#]+)(?:#([^{}#]+))?\})?/g;
  const ENVIRONMENT = /^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;

  // A text as somebody typed it: literal, or with references, as in a manifest.
  const typed = (text) => {
    let references = 0;
    const literal = text.replace(TOKEN, (token, scheme) => {
      references += scheme ? 1 : 0;
      return scheme ? token : "${";
    });
    if (!references) return literal;
    return new Reference(text.replace(TOKEN, (token) => (token === "${" ? "$${" : token)));
  };

  const escaped = (literal) => literal.replaceAll("${", () => "$${");
  const ownKey = (key) => (key.startsWith("$") ? `$${key}` : key);
  const size = (value) =>
    value instanceof Map ? value.size : Array.isArray(value) ? value.length : -1;
  const inside = (value) =>
    value instanceof Map ? [...value.values()] : Array.isArray(value) ? value : [];
  const some = (value, test) => test(value) || inside(value).some((each) => some(each, test));

  // JSON's values as a form gives them.
  const fromJson = (value) => {
    if (Array.isArray(value)) return value.map(fromJson);
    if (value === null || typeof value !== "object") return value;
    return new Map(Object.entries(value).map(([key, each]) => [key, fromJson(each)]));
  };

  // A text in double quotes, as JSON, YAML and Python read it alike.
  const quoted = (text) =>
    JSON.stringify(text).replace(
      /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]/g,
      (odd) => `\\u${odd.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );

  const number = (value) => {
    const text = String(value);
    return text.includes("e") && !text.includes(".") ? text.replace("e", ".0e") : text;
  };

  // YAML

  const WORDS = /^(?:y|n|yes|no|on|off|true|false|null)$/i;
  const PLAIN = /^[A-Za-z][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*$/;
  const PLAIN_REFERENCE = /^\$\{[a-z][a-z0-9+.-]*:[A-Za-z0-9_./-]+(?:#[A-Za-z0-9_.-]+)?\}$/;
  const yamlText = (text) =>
    (PLAIN.test(text) && !WORDS.test(text)) || PLAIN_REFERENCE.test(text) ? text : quoted(text);

  const yamlInline = (value) => {
    if (value instanceof Reference) return yamlText(value.text);
    if (value instanceof Saved) return `{$block: ${yamlText(value.address)}}`;
    if (typeof value === "string") return yamlText(escaped(value));
    if (typeof value === "number") return number(value);
    if (size(value) === 0) return value instanceof Map ? "{}" : "[]";
    return String(value);
  };

  const yamlLines = (value, margin) => {
    if (value instanceof Map)
      return [...value].flatMap(([key, each]) =>
        size(each) > 0
          ? [`${margin}${yamlText(ownKey(key))}:`, ...yamlLines(each, `${margin}  `)]
          : [`${margin}${yamlText(ownKey(key))}: ${yamlInline(each)}`],
      );
    return value.flatMap((each) => {
      if (size(each) <= 0) return [`${margin}- ${yamlInline(each)}`];
      const [first, ...rest] = yamlLines(each, `${margin}  `);
      return [`${margin}- ${first.trimStart()}`, ...rest];
    });
  };

  const yaml = (block, name, values) => {
    const head = `  ${block.name}/${name}:`;
    const lines = values.size ? [head, ...yamlLines(values, "    ")] : [`${head} {}`];
    return `${["blocks:", ...lines].join("\n")}\n`;
  };

  // Python

  const WIDE = 80;
  const KEYWORDS = new Set(
    ("False None True and as assert async await break class continue def del elif else except " +
      "finally for from global if import in is lambda nonlocal not or pass raise return try " +
      "while with yield").split(" "),
  );

  // As values of a program, or as `Vault.define` takes them: as in a manifest.
  const python = (value, margin, written) => {
    if (value instanceof Reference) {
      const variable = ENVIRONMENT.exec(value.text);
      return written ? quoted(value.text) : `os.environ[${quoted(variable[1])}]`;
    }
    if (value instanceof Saved) {
      const address = quoted(value.address);
      return written ? `{"$block": ${address}}` : `Block.load(${address})`;
    }
    if (typeof value === "string") return quoted(written ? escaped(value) : value);
    if (typeof value === "boolean") return value ? "True" : "False";
    if (value === null) return "None";
    if (typeof value === "number") return number(value);
    const deeper = `${margin}    `;
    const parts =
      value instanceof Map
        ? [...value].map(([key, each]) => {
            const shown = quoted(written ? ownKey(key) : key);
            return `${shown}: ${python(each, deeper, written)}`;
          })
        : value.map((each) => python(each, deeper, written));
    const [open, close] = value instanceof Map ? "{}" : "[]";
    const line = `${open}${parts.join(", ")}${close}`;
    if (!line.includes("\n") && margin.length + line.length <= WIDE) return line;
    return `${open}\n${parts.map((part) => `${deeper}${part},\n`).join("")}${margin}${close}`;
  };

  const isReference = (value) => value instanceof Reference;
  const keepsReferences = (values) =>
    some(values, (each) => isReference(each) && !ENVIRONMENT.test(each.text));

  const program = (block, name, values) => {
    if (!block.python || keepsReferences(values)) {
      const address = quoted(`${block.name}/${name}`);
      const fields = python(values, "    ", true);
      return `from brickwork import Vault\n\nVault.open().define(\n    ${address},\n    ${fields},\n)\n`;
    }
    const [module, name_] = block.python.split(":");
    const loads = some(values, (each) => each instanceof Saved);
    const imports = some(values, isReference) ? ["import os", ""] : [];
    if (loads && module !== "brickwork") imports.push("from brickwork import Block");
    const named = loads && module === "brickwork" ? ["Block", name_].sort() : [name_];
    imports.push(`from ${module} import ${named.join(", ")}`, "");
    const odd = [...values].filter(([key]) => KEYWORDS.has(key) || !/^[A-Za-z_]\w*$/.test(key));
    const lines = [...values]
      .filter(([key]) => !odd.some(([each]) => each === key))
      .map(([key, each]) => `    ${key}=${python(each, "    ", false)},`);
    if (odd.length) lines.push(`    **${python(new Map(odd), "    ", false)},`);
    const call = lines.length ? `${name_}(\n${lines.join("\n")}\n)` : `${name_}()`;
    return `${imports.join("\n")}\n${call}.save(${quoted(name)})\n`;
  };

  // The command line

  const shell = (text) =>
    /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", () => "'\\''")}'`;

  const json = (value) => {
    if (value instanceof Saved) return { $block: value.address };
    if (Array.isArray(value)) return value.map(json);
    if (!(value instanceof Map)) return value;
    return Object.fromEntries([...value].map(([key, each]) => [key, json(each)]));
  };

  const options = (path, value) => {
    const give = (option, text) => [[option, `${path}=${text}`]];
    if (value instanceof Reference) {
      const whole = /^\$\{([^{}]+)\}$/.exec(value.text);
      return give("--from", whole ? whole[1] : value.text);
    }
    if (value instanceof Saved) return give("--ref", value.address);
    if (typeof value === "string") return give("--set", value);
    if (size(value) > 0 && (value instanceof Fields || some(value, isReference))) {
      const entries = value instanceof Map ? [...value] : [...value.entries()];
      return entries.flatMap(([key, each]) => options(`${path}.${key}`, each));
    }
    return give("--set", JSON.stringify(json(value)));
  };

  // Null where the command line cannot say it: a name in a path has no dot and no equals sign.
  const command = (block, name, values) => {
    const unsayable = (value) =>
      some(
        value,
        (each) =>
          each instanceof Map &&
          [...each].some(([key, below]) => /[.=]|^$/.test(key) && some(below, isReference)),
      );
    if (unsayable(values)) return null;
    const given = [...values].flatMap(([key, value]) => options(key, value));
    const parts = given.map(([option, text]) => `${option} ${shell(text)}`);
    return `${[`brickwork block create ${block.name} ${shell(name)}`, ...parts].join(" \\\n  ")}\n`;
  };

  window.brickworkWritten = {
    Fields,
    Reference,
    Saved,
    typed,
    fromJson,
    some,
    yaml,
    program,
    command,
    keepsReferences,
  };
})();
