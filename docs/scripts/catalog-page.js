"use strict";
// The catalog: search, filters, and what there is to know about each thing. The state is in the hash.
(() => {
  const { yaml, program, command, keepsReferences } = window.brickworkWritten;
  const { Form } = window.brickworkForm;
  const { make } = window.brickworkParts;
  const catalog = window.brickworkCatalog;
  const list = document.getElementById("catalog-list");
  if (!catalog || !list) return;

  const LEVELS = ["bronze", "silver", "gold", "platinum"];
  const KINDS = [
    ...["block", "task", "storage", "notifier", "resolver", "serializer", "key-provider"],
    ...["store", "command"],
  ];
  const FIRST = 40;
  const things = catalog.flatMap(({ distribution, things: own }) =>
    own.map((thing) => ({ thing, distribution, key: `${thing.kind}:${thing.name}` })),
  );
  const before = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

  // The same ranks as in brickwork/catalog/shipped.py: the lower, the better; null if nowhere.
  const texts = function* (thing) {
    yield thing.description || "";
    yield [...(thing.permissions || []), ...(thing.interfaces || [])].join(" ");
    for (const key of ["fields", "parameters", "commands"])
      for (const inside of thing[key] || []) {
        yield inside.name;
        yield inside.summary || "";
        yield* texts(inside);
      }
  };
  const searched = new Map();
  const textsOf = (thing) => {
    if (!searched.has(thing)) searched.set(thing, [...texts(thing)].map((text) => text.toLowerCase()));
    return searched.get(thing);
  };
  const place = (word, thing) => {
    const name = thing.name.toLowerCase();
    if (word === name) return 0;
    if (name.split(/[-_.]/).includes(word)) return 1;
    if (name.includes(word)) return 2;
    if ([thing.title, thing.summary].some((text) => (text || "").toLowerCase().includes(word)))
      return 4;
    return textsOf(thing).some((text) => text.includes(word)) ? 8 : null;
  };
  const search = (state) => {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const ranked = [];
    for (const each of things) {
      const { thing, distribution } = each;
      if (state.kind && thing.kind !== state.kind) continue;
      if (state.dist && distribution.name !== state.dist) continue;
      if (state.level && LEVELS.indexOf(distribution.level) < LEVELS.indexOf(state.level)) continue;
      const places = words.map((word) => place(word, thing));
      if (places.includes(null)) continue;
      const rank = words.length ? places.reduce((a, b) => a + b, 0) : KINDS.indexOf(thing.kind);
      ranked.push({ each, rank });
    }
    ranked.sort(
      (a, b) =>
        a.rank - b.rank ||
        before(a.each.thing.name, b.each.thing.name) ||
        before(a.each.thing.kind, b.each.thing.kind),
    );
    return ranked.map(({ each }) => each);
  };

  // The state, in the hash: #q=s3&kind=block&show=block:aws-credentials
  const NAMES = ["q", "kind", "dist", "level", "show"];
  const readState = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    return Object.fromEntries(NAMES.map((name) => [name, given.get(name) || ""]));
  };
  const hashOf = (state) => {
    const given = NAMES.filter((name) => state[name]).map((name) => [name, state[name]]);
    return `#${new URLSearchParams(given)}`;
  };

  // Texts: paragraphs, lists and code of docstrings, never HTML.
  const inline = (text) =>
    text
      .split(/(``[^`]+``|`[^`]+`)/)
      .map((part) => (/^`.+`$/.test(part) ? make("code", {}, part.replace(/^`+|`+$/g, "")) : part));
  const paragraphs = (text) =>
    text.split(/\n\s*\n/).filter(Boolean).map((part) => {
      if (/^ /.test(part)) return make("pre", {}, make("code", {}, part));
      if (!/^- /.test(part)) return make("p", {}, ...inline(part.replaceAll("\n", " ")));
      const items = part.split(/\n?^- /m).filter(Boolean);
      return make("ul", {}, ...items.map((item) => make("li", {}, ...inline(item.replace(/\s+/g, " ")))));
    });

  const table = (heads, rows) =>
    make(
      "div",
      { class: "catalog-table", tabindex: "0", role: "region", "aria-label": `Table: ${heads[0]}s` },
      make(
        "table",
        { class: "catalog-grid" },
        make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
        make(
          "tbody",
          {},
          ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, ...[cell].flat())))),
        ),
      ),
    );
  const code = (text) => (text ? make("code", {}, text) : "");

  const copied = (text, label) => {
    const shown = make("code", {}, text);
    const button = make("button", { type: "button", class: "catalog-copy" }, "Copy");
    button.setAttribute("aria-label", `Copy ${label}`);
    const said = make("span", { role: "status", class: "catalog-said" });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(shown.textContent);
        said.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(shown);
        said.textContent = "Selected: copy it with the keyboard";
      }
      setTimeout(() => (said.textContent = ""), 3000);
    });
    // The theme's own button stays out: it would come only to what is there when the page loads.
    const named = { class: "no-copy", tabindex: "0", role: "region", "aria-label": label };
    const pre = make("pre", named, shown);
    const element = make("div", { class: "catalog-code" }, pre, make("div", {}, button, said));
    return { element, set: (value) => (shown.textContent = value) };
  };
  const section = (title, ...children) => [make("h3", {}, title), ...children];

  // Details

  const fieldRows = (fields, above = "") =>
    fields.flatMap((field) => [
      [
        [code(above + field.name)],
        `${field.type || ""}${field.required ? ", needed" : ""}`,
        [code(field.default)],
        inline(field.description || ""),
      ],
      ...fieldRows(field.fields || [], `${above}${field.name}.`),
    ]);

  const pip = ({ thing, distribution }) =>
    thing.extra
      ? `pip install '${distribution.name}[${thing.extra}]'`
      : `pip install ${distribution.name}`;

  const logo = (distribution) =>
    distribution.logo
      ? make("img", {
          class: "catalog-logo",
          alt: "",
          width: 32,
          height: 32,
          src: `data:image/svg+xml,${encodeURIComponent(distribution.logo)}`,
        })
      : null;

  const facts = ({ thing, distribution }) => {
    const rows = [
      ["Kind", [thing.kind, ...(thing.interfaces || [])].join(", ")],
      ["Package", `${distribution.name} ${distribution.version}`],
      ["Level", distribution.level || "not measured"],
      ["Import", thing.python ? [code(`from ${thing.python.replace(":", " import ")}`)] : null],
      ["Needs", (thing.permissions || []).flatMap((each) => [code(each), " "])],
      ["Retries", thing.retries ? String(thing.retries) : null],
      ["Time-out", thing.timeout_seconds ? `${thing.timeout_seconds} s` : null],
      ["Result", thing.result?.type ? [code(thing.result.type), ` ${thing.result.description || ""}`] : null],
      ["Block", thing.block || null],
    ];
    const given = rows.filter(([, value]) => value && value.length);
    return make(
      "dl",
      {},
      ...given.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, ...[value].flat())]),
    );
  };

  const formOf = ({ thing, distribution }) => {
    const blocks = Object.create(null);
    for (const each of [...things, ...things.filter((one) => one.distribution === distribution)])
      if (each.thing.kind === "block") blocks[each.thing.python?.split(":")[1]] = each.thing.name;
    const schemes = Object.create(null);
    for (const scheme of ["env", "file"]) schemes[scheme] = "";
    for (const each of things)
      if (each.thing.kind === "resolver" && !(each.thing.name in schemes))
        schemes[each.thing.name] = each.distribution.name;
    schemes.block = "";

    const written = {
      yaml: copied("", "the YAML"),
      program: copied("", "the Python"),
      command: copied("", "the command"),
    };
    const status = make("p", { role: "status", class: "catalog-status" });
    const note = make("p", { class: "catalog-about" });
    const name = make("input", { id: "catalog-name", type: "text", value: "main", autocomplete: "off" });
    const update = () => {
      const { values, problems } = form.read();
      const named = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name.value) ? name.value : "main";
      const places = (missing) =>
        problems.filter((each) => Boolean(each.missing) === missing).map(({ path }) => path.join("."));
      const said = [
        named === name.value ? "" : "The name has letters, digits, dots, _ and -.",
        places(true).length ? `Still needed: ${places(true).join(", ")}.` : "",
        places(false).length ? `To correct: ${places(false).join(", ")}.` : "",
      ];
      const text = said.filter(Boolean).join(" ") || "Complete.";
      if (status.textContent !== text) status.textContent = text;
      written.yaml.set(yaml(thing, named, values));
      written.program.set(program(thing, named, values));
      written.command.set(
        command(thing, named, values) || "# A key here has a dot or an equals sign: use the YAML.\n",
      );
      note.textContent = !thing.python || keepsReferences(values)
        ? "Vault.define keeps references, as the YAML does."
        : "A program saves the value of a variable; the YAML and the command keep the reference.";
    };
    name.addEventListener("input", () => update());
    const form = new Form(thing, blocks, schemes, () => update());
    const element = make(
      "form",
      { class: "catalog-form", "aria-label": `Values of ${thing.name}`, novalidate: true },
      make(
        "div",
        { class: "catalog-field" },
        make("label", { for: "catalog-name" }, "Name to save it under"),
        name,
      ),
      form.element,
    );
    element.addEventListener("submit", (event) => event.preventDefault());
    const output = make(
      "div",
      { class: "catalog-output" },
      status,
      ...section("YAML", written.yaml.element),
      make("p", { class: "catalog-about" }, "Save it as blocks.yaml, then: ", code("brickwork apply -f blocks.yaml")),
      ...section("Python", written.program.element, note),
      ...section("Command", written.command.element),
    );
    update();
    return make("div", { class: "catalog-try" }, element, output);
  };

  const details = (each) => {
    const { thing, distribution } = each;
    const title = make("h2", { tabindex: "-1", id: "catalog-title" }, thing.name);
    const parts = [
      make("div", { class: "catalog-head" }, logo(distribution), title),
      make("p", {}, ...inline(thing.summary || "")),
      copied(pip(each), "what to install").element,
      facts(each),
      ...(thing.signature ? section("Signature", copied(thing.signature, "the signature").element) : []),
    ];
    if (thing.kind === "block" && thing.schema) {
      try {
        parts.push(...section("Make one", formOf(each)));
      } catch (error) {
        parts.push(make("p", {}, `Its form cannot be made: ${error.message}`));
      }
    }
    if (thing.description) parts.push(...section("About", ...paragraphs(thing.description)));
    for (const [key, heading] of [["fields", "Field"], ["parameters", "Parameter"]])
      if (thing[key]?.length) {
        const heads = [heading, "Type", "Default", "Meaning"];
        parts.push(...section(`${heading}s`, table(heads, fieldRows(thing[key]))));
      }
    if (thing.commands?.length)
      parts.push(
        ...section(
          "Commands",
          table(["Command", "What it does"], thing.commands.map((one) => [[code(one.name)], one.summary || ""])),
        ),
      );
    if (thing.example) parts.push(...section("Example", copied(thing.example, "the example").element));
    return parts;
  };

  // The page

  const choice = (id, label, options) =>
    make(
      "div",
      {},
      make("label", { for: id }, label),
      make("select", { id }, ...options.map(([value, text]) => make("option", { value }, text))),
    );
  const kinds = KINDS.filter((kind) => things.some(({ thing }) => thing.kind === kind));
  const query = make("input", {
    id: "catalog-query",
    type: "search",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "s3 upload, password, slack ...",
  });
  const controls = make(
    "div",
    { class: "catalog-controls", role: "search", "aria-label": "The catalog" },
    make("div", { class: "catalog-query" }, make("label", { for: "catalog-query" }, "Search"), query),
    choice("catalog-kind", "Kind", [["", "all"], ...kinds.map((kind) => [kind, kind])]),
    choice("catalog-dist", "Package", [
      ["", "all"],
      ...catalog.map(({ distribution }) => [distribution.name, distribution.name]),
    ]),
    choice("catalog-level", "Level", [["", "any"], ...LEVELS.map((level) => [level, `${level} or better`])]),
  );
  const count = make("p", { id: "catalog-count", role: "status", "aria-live": "polite" });
  const results = make("ol", { id: "catalog-results", role: "list" });
  const more = make("button", { type: "button" });
  const found = make("div", {}, controls, count, results, more);
  const shown = make("section", { id: "catalog-details", "aria-labelledby": "catalog-title" });
  const page = make("div", { id: "catalog" }, found, shown);
  list.replaceWith(page);
  const inputs = { q: query };
  for (const name of ["kind", "dist", "level"]) inputs[name] = page.querySelector(`#catalog-${name}`);

  let limit = FIRST;
  const result = (state, each) =>
    make(
      "li",
      {},
      make("a", { href: hashOf({ ...state, show: each.key }) }, each.thing.name),
      make("span", { class: "catalog-kind" }, `${each.thing.kind} · ${each.distribution.name}`),
      make("span", { class: "catalog-summary" }, ...inline(each.thing.summary || "")),
    );
  const hint = (state) => {
    const filtered = state.kind || state.dist || state.level;
    const loose = filtered && search({ ...state, kind: "", dist: "", level: "" }).length;
    if (loose) return `Nothing with these filters; ${loose} without them.`;
    return "Nothing has all these words. Try fewer or shorter ones: bucket, password, upload.";
  };
  const drawResults = (state) => {
    const all = search(state);
    const text = all.length === 1 ? "1 result" : `${all.length} results`;
    count.textContent = all.length ? text : hint(state);
    results.replaceChildren(...all.slice(0, limit).map((each) => result(state, each)));
    more.hidden = all.length <= limit;
    more.textContent = `Show all ${all.length}`;
  };
  const drawDetails = (state) => {
    const each = things.find(({ key }) => key === state.show);
    const back = make("a", { href: hashOf({ ...state, show: "" }) }, "← Back to the results");
    const body = each ? details(each) : [
      make("h2", { tabindex: "-1", id: "catalog-title" }, "Nothing of that name"),
      make("p", {}, `The catalog has no ${state.show}.`),
    ];
    shown.replaceChildren(make("p", {}, back), ...body);
  };

  let state = null;
  const draw = (next) => {
    const [previous, opened] = [state, next.show];
    state = next;
    for (const [name, input] of Object.entries(inputs)) if (input.value !== next[name]) input.value = next[name];
    found.hidden = Boolean(opened);
    shown.hidden = !opened;
    drawResults(next);
    if (opened && opened !== previous?.show) {
      drawDetails(next);
      if (previous) page.querySelector("#catalog-title").focus({ preventScroll: true });
      if (previous) page.scrollIntoView();
    } else if (!opened) {
      shown.replaceChildren();
      if (previous?.show) {
        const links = [...results.querySelectorAll("a")];
        const last = links.find((link) => link.hash === hashOf({ ...next, show: previous.show }));
        (last || query).focus();
      }
    }
  };
  const narrow = () => {
    limit = FIRST;
    const given = Object.entries(inputs).map(([name, input]) => [name, input.value]);
    const next = { ...Object.fromEntries(given), show: "" };
    history.replaceState(null, "", hashOf(next));
    draw(next);
  };
  for (const input of Object.values(inputs)) input.addEventListener("input", narrow);
  more.addEventListener("click", () => {
    const at = limit;
    limit = Infinity;
    drawResults(state);
    results.querySelectorAll("a")[at]?.focus();
  });
  addEventListener("hashchange", () => draw(readState()));
  draw(readState());
})();
