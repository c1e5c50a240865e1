"use strict";
// A form made from the JSON schema of a block.
(() => {
  const { Fields, Reference, Saved, typed, fromJson, some } = window.brickworkWritten;
  const { WHERE, make, numberProblem, own, textProblem, variableOf } = window.brickworkParts;
  const DEEPEST = 8;
  const SAVED_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*(?:@[0-9]+)?$/;
  let made = 0;
  const freshId = () => `field-${++made}`;

  class Form {
    // block: its entry. blocks: class's name to slug. schemes: of references, with who has them.
    constructor(block, blocks, schemes, changed) {
      this.block = block;
      this.blocks = blocks;
      this.schemes = schemes;
      this.changed = changed;
      this.definitions = own(block.schema, "$defs") || {};
      this.top = this.fieldsOf(block.schema, [], 0);
      this.element = make("div", { class: "catalog-fields" }, ...this.top.elements);
    }

    // What was put in, and what is wrong with it: pairs of a field and a reason.
    read() {
      const problems = [];
      return { values: this.top.read(problems), problems };
    }

    fieldsOf(schema, path, depth) {
      const required = new Set(schema.required || []);
      const fields = Object.entries(schema.properties || {}).map(([name, each]) => ({
        name,
        control: this.field(name, each, required.has(name), [...path, name], depth),
      }));
      return {
        elements: fields.map(({ control }) => control.element),
        read: (problems) => {
          const values = new Fields();
          for (const { name, control } of fields) {
            const value = control.read(problems);
            if (value !== undefined) values.set(name, value);
          }
          return values;
        },
      };
    }

    // The schema itself: references followed, null told apart.
    plain(schema) {
      let [found, optional, name] = [schema, false, ""];
      for (let steps = 0; steps < DEEPEST; steps++) {
        if (typeof found.$ref === "string") {
          name = found.$ref.replace("#/$defs/", "");
          const { $ref, ...beside } = found;
          found = { ...(own(this.definitions, name) || {}), ...beside };
          continue;
        }
        const several = found.anyOf || found.oneOf;
        if (!Array.isArray(several)) break;
        const options = several.filter((each) => each.type !== "null");
        optional ||= options.length < several.length;
        if (options.length !== 1) return { schema: found, options, optional, name };
        const { anyOf, oneOf, ...beside } = found;
        found = { ...options[0], ...beside };
      }
      return { schema: found, options: null, optional, name };
    }

    // A field with its label and description.
    field(name, given, required, path, depth) {
      const { schema, optional } = this.plain(given);
      const about = schema.description || "";
      const context = { required, optional, path, depth, id: freshId(), about };
      const control = this.control(given, context);
      const needed = required ? make("span", { class: "catalog-needed" }, "needed") : null;
      const label = control.group
        ? make("legend", {}, make("code", {}, name), " ", needed)
        : make("label", { for: context.id }, make("code", {}, name), " ", needed);
      const description = make("p", { id: `${context.id}-about`, class: "catalog-about" }, about);
      const problem = make("p", { id: `${context.id}-problem`, class: "catalog-problem" });
      const parts = [label, about ? description : null, control.element, problem];
      const input = control.input;
      const described = [about ? description.id : null, problem.id].filter(Boolean).join(" ");
      if (input) input.setAttribute("aria-describedby", described);
      const tag = control.group ? "fieldset" : "div";
      const where = { class: "catalog-field", "data-field": path.join(".") };
      const element = make(tag, where, ...parts);
      return {
        element,
        read: (problems) => {
          const mine = [];
          const value = control.read(mine);
          const said = mine.find((each) => each.path === path);
          problem.textContent = said && !said.missing ? said.what : "";
          if (input) input.setAttribute("aria-invalid", said && !said.missing ? "true" : "false");
          problems.push(...mine);
          return value;
        },
      };
    }

    control(given, context) {
      const { schema, options, name } = this.plain(given);
      if (options) return this.union(schema, options, context);
      if (name === "Block" || own(this.blocks, name)) return this.saved(name, context);
      if (schema.format === "password" || schema.writeOnly) return this.secret(context);
      if (Array.isArray(schema.enum)) return this.choice(schema, schema.enum, context);
      if ("const" in schema) return this.choice(schema, [schema.const], context);
      if (schema.type === "boolean") return this.yesOrNo(schema, context);
      if (schema.type === "integer" || schema.type === "number") return this.number(schema, context);
      if (schema.type === "string") return this.text(schema, context);
      if (schema.type === "array") return this.list(schema, context);
      if (schema.type === "object" && schema.properties) return this.nested(schema, context);
      if (schema.type === "object" && schema.additionalProperties !== false)
        return this.mapping(schema, context);
      return this.anything(context);
    }

    missing(context, problems) {
      if (context.required) problems.push({ path: context.path, what: "needed", missing: true });
      return undefined;
    }

    wrong(context, problems, what) {
      problems.push({ path: context.path, what });
      return undefined;
    }

    input(tag, context, attributes, ...children) {
      const label = context.label ? { "aria-label": context.label } : {};
      const needed = context.required ? { "aria-required": "true" } : {};
      const element = make(tag, { id: context.id, ...label, ...needed, ...attributes }, ...children);
      element.addEventListener("input", () => this.changed());
      return element;
    }

    text(schema, context) {
      const placeholder = typeof schema.default === "string" ? schema.default : "";
      const long = /^(?:template|policy|body|html|message|text)$/.test(context.path.at(-1));
      const input = this.input(long ? "textarea" : "input", context, {
        type: long ? null : "text",
        rows: long ? 3 : null,
        placeholder,
        autocomplete: "off",
        spellcheck: "false",
      });
      const read = (problems) => {
        if (input.value === "") return this.missing(context, problems);
        const value = typed(input.value);
        const what = value instanceof Reference ? "" : textProblem(schema, value);
        return what ? this.wrong(context, problems, what) : value;
      };
      return { element: input, input, read };
    }

    number(schema, context) {
      const given = typeof schema.default === "number" ? String(schema.default) : "";
      const input = this.input("input", context, {
        type: "text",
        inputmode: schema.type === "integer" ? "numeric" : "decimal",
        placeholder: given,
        autocomplete: "off",
      });
      const read = (problems) => {
        const text = input.value.trim();
        if (text === "") return this.missing(context, problems);
        const reference = typed(text);
        if (reference instanceof Reference) return reference;
        const what = numberProblem(schema, text);
        return what ? this.wrong(context, problems, what) : Number(text);
      };
      return { element: input, input, read };
    }

    yesOrNo(schema, context) {
      if (context.optional || !("default" in schema)) {
        return this.choice(schema, [true, false], context);
      }
      const input = this.input("input", context, { type: "checkbox", checked: schema.default });
      const read = () => (input.checked === schema.default ? undefined : input.checked);
      return { element: input, input, read };
    }

    choice(schema, values, context) {
      const shown = (value) => ({ true: "yes", false: "no" })[value] || String(value);
      const none =
        "default" in schema && schema.default !== null && typeof schema.default !== "object"
          ? `default: ${shown(schema.default)}`
          : context.required
            ? "choose"
            : "not given";
      const options = values.map((value, at) => make("option", { value: at }, shown(value)));
      const input = this.input("select", context, {}, make("option", { value: "" }, none), ...options);
      const read = (problems) =>
        input.value === "" ? this.missing(context, problems) : values[Number(input.value)];
      return { element: input, input, read };
    }

    // A secret is never typed in: only where it is kept.
    secret(context) {
      const variable = variableOf(this.block, context.path);
      const schemes = Object.entries(this.schemes).map(([scheme, from]) =>
        make("option", { value: scheme }, `\${${scheme}:...}${from ? ` (${from})` : ""}`),
      );
      const none = context.required ? [] : [make("option", { value: "" }, "not given")];
      const input = this.input("select", context, {}, ...none, ...schemes);
      const where = this.input("input", { ...context, id: freshId(), label: "Where it is kept" }, {
        type: "text",
        autocomplete: "off",
        spellcheck: "false",
      });
      const follow = () => {
        const [placeholder, label] = own(WHERE, input.value) || ["path#field", "Where it is kept"];
        where.hidden = input.value === "";
        where.placeholder = placeholder;
        where.setAttribute("aria-label", `${label} of ${context.path.join(".")}`);
        where.value = input.value === "env" ? variable : "";
      };
      input.addEventListener("change", () => {
        follow();
        this.changed();
      });
      if (context.required) input.value = "env";
      follow();
      const read = (problems) => {
        if (input.value === "") return this.missing(context, problems);
        if (where.value === "") {
          problems.push({ path: context.path, what: "Say where it is kept." });
          return undefined;
        }
        const good = input.value === "env" ? /^[A-Za-z_][A-Za-z0-9_]*(?:#[^{}#]+)?$/ : /^[^{}#]+(?:#[^{}#]+)?$/;
        if (!good.test(where.value))
          return this.wrong(context, problems, "This is no name of a variable, or no path.");
        return new Reference(`\${${input.value}:${where.value}}`);
      };
      return { element: make("div", { class: "catalog-secret" }, input, where), input, read };
    }

    // Another block, by its address.
    saved(name, context) {
      const slug = own(this.blocks, name);
      const placeholder = slug ? "name, such as main" : "slug/name";
      const input = this.input("input", context, { type: "text", placeholder, autocomplete: "off" });
      const prefix = slug ? make("code", {}, `${slug}/`) : null;
      const read = (problems) => {
        const text = input.value.trim();
        if (text === "") return this.missing(context, problems);
        const [kind, rest] = slug ? [slug, text] : text.split("/", 2);
        const good = /^[a-z][a-z0-9-]*$/.test(kind) && SAVED_NAME.test(rest || "");
        if (!good) return this.wrong(context, problems, `Write the address of a saved block.`);
        return new Saved(`${kind}/${rest}`);
      };
      return { element: make("div", { class: "catalog-saved" }, prefix, input), input, read };
    }

    list(schema, context) {
      const item = (at) => ({
        ...context,
        required: true,
        optional: false,
        path: [...context.path, String(at)],
        depth: context.depth + 1,
        id: freshId(),
        label: `${context.path.join(".")}, item ${at + 1}`,
      });
      const rows = this.rows(context, "item", (at) => this.control(schema.items || {}, item(at)));
      const read = (problems) => {
        const values = rows.read(problems).map(([, value]) => value);
        if (values.length < (schema.minItems || 0))
          return this.missing({ ...context, required: true }, problems);
        if (values.length > (schema.maxItems ?? Infinity))
          return this.wrong(context, problems, `At most ${schema.maxItems}.`);
        if (!values.length && !context.required) return undefined;
        return values.filter((value) => value !== undefined);
      };
      if (schema.minItems) rows.add();
      return { element: rows.element, group: true, read };
    }

    mapping(schema, context) {
      const values = typeof schema.additionalProperties === "object" ? schema.additionalProperties : {};
      const rows = this.rows(context, "entry", (at) => {
        const path = [...context.path, String(at)];
        const label = `${context.path.join(".")}, entry ${at + 1}`;
        const below = { ...context, required: true, optional: false, depth: context.depth + 1 };
        const key = this.input("input", { ...below, id: freshId(), label: `${label}, key` }, {
          type: "text",
          placeholder: "key",
          autocomplete: "off",
        });
        const control = this.control(values, { ...below, path, id: freshId(), label: `${label}, value` });
        const element = make("div", { class: "catalog-entry" }, key, control.element);
        return { element, input: key, read: (problems) => [key.value, control.read(problems)] };
      });
      const read = (problems) => {
        const entries = rows.read(problems).map(([, entry]) => entry);
        if (new Set(entries.map(([key]) => key)).size < entries.length)
          return this.wrong(context, problems, "A key stands there twice.");
        if (!entries.length && !context.required) return undefined;
        return new Map(entries.filter(([, value]) => value !== undefined));
      };
      return { element: rows.element, group: true, read };
    }

    // Rows that can be added and removed.
    rows(context, word, control) {
      const shown = [];
      const box = make("div", { class: "catalog-rows" });
      const add = () => {
        if (context.depth >= DEEPEST) return;
        const made = control(shown.length);
        const remove = make("button", { type: "button", "aria-label": `Remove this ${word}` }, "×");
        const where = { class: "catalog-row", "data-field": `${context.path.join(".")}.${shown.length}` };
        const row = { made, element: make("div", where, made.element, remove) };
        remove.addEventListener("click", () => {
          shown.splice(shown.indexOf(row), 1);
          row.element.remove();
          button.focus();
          this.changed();
        });
        shown.push(row);
        box.append(row.element);
        return row;
      };
      const label = `Add an ${word} to ${context.path.join(".")}`;
      const button = make("button", { type: "button", "aria-label": label }, `Add an ${word}`);
      button.addEventListener("click", () => {
        const row = add();
        row?.element.querySelector("input, select, textarea, summary")?.focus();
        this.changed();
      });
      const element = make("div", {}, box, button);
      const read = (problems) => shown.map(({ made }, at) => [at, made.read(problems)]);
      return { element, add, read };
    }

    // Fields inside a field; made when they are opened, unless they are needed.
    nested(schema, context) {
      let fields = null;
      const box = make("div", { class: "catalog-inside" });
      const fill = () => {
        if (fields || context.depth >= DEEPEST) return;
        fields = this.fieldsOf(schema, context.path, context.depth + 1);
        box.append(...fields.elements);
      };
      const read = (problems) => {
        if (!fields) return this.missing(context, problems);
        const below = [];
        const values = fields.read(below);
        if (!values.size && !context.required) {
          problems.push(...below.filter((each) => !each.missing));
          return undefined;
        }
        problems.push(...below);
        return values;
      };
      if (context.required) {
        fill();
        return { element: box, group: true, read };
      }
      const summary = make("summary", {}, "Give it");
      const element = make("details", {}, summary, box);
      element.addEventListener("toggle", () => {
        fill();
        this.changed();
      });
      return { element, group: true, read };
    }

    union(schema, options, context) {
      const secrets = options.every((each) => this.plain(each).schema.format === "password");
      if (secrets) return this.secret(context);
      const label = `Which kind of ${context.path.join(".")}`;
      const none = make("option", { value: "" }, context.required ? "choose" : "not given");
      const names = options.map((each, at) => make("option", { value: at }, this.word(each)));
      const input = this.input("select", { ...context, label }, {}, none, ...names);
      const box = make("div", { class: "catalog-inside" });
      let chosen = null;
      input.addEventListener("change", () => {
        const below = { ...context, id: freshId(), required: true, optional: false, label: context.path.join(".") };
        const deep = context.depth >= DEEPEST;
        chosen = input.value === "" || deep
          ? null
          : this.control(options[Number(input.value)], { ...below, depth: context.depth + 1 });
        box.replaceChildren(...(chosen ? [chosen.element] : []));
        this.changed();
      });
      const read = (problems) => (chosen ? chosen.read(problems) : this.missing(context, problems));
      return { element: make("div", {}, input, box), input, group: true, read };
    }

    word(option) {
      const { schema, name } = this.plain(option);
      if (name === "Block") return "a saved block";
      if (own(this.blocks, name)) return `a saved block, ${this.blocks[name]}`;
      if (schema.format === "password") return "a secret";
      const words = { string: "text", integer: "whole number", array: "list", object: "mapping" };
      return schema.title || name || own(words, schema.type) || schema.type || "anything";
    }

    anything(context) {
      const placeholder = '{"any": "JSON"}';
      const input = this.input("textarea", context, { rows: 4, placeholder, spellcheck: "false" });
      const read = (problems) => {
        if (input.value.trim() === "") return this.missing(context, problems);
        let value;
        try {
          value = fromJson(JSON.parse(input.value));
        } catch {
          return this.wrong(context, problems, "This is no JSON.");
        }
        const inexact = some(value, (each) => Number.isInteger(each) && !Number.isSafeInteger(each));
        return inexact ? this.wrong(context, problems, "A number in it is too large.") : value;
      };
      return { element: input, input, read };
    }
  }

  window.brickworkForm = { Form };
})();
