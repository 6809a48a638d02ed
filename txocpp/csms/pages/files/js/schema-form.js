// A form made from a JSON Schema: what the central system says of a message, as fields.

import { choice, field, h, show } from "./dom.js";
import { fromLocalField, localField, words } from "./format.js";

/** A part of a form: {element, value(), set(value)}. value() is undefined for what is left out. */
function part(schema, name, required) {
  if (schema.type === "object") return group(schema, name, required);
  if (schema.type === "array" && schema.items.type === "object") return rows(schema, name, required);
  return single(schema, name, required);
}

function title(name, required) {
  const text = words(name);
  return `${text[0].toUpperCase()}${text.slice(1)}${required ? "" : " (optional)"}`;
}

function single(schema, name, required) {
  const [control, read, write] = fieldFor(schema, required);
  if (required && schema.type !== "array" && schema.type !== "boolean") control.required = true;
  control.dataset.wire = name;
  return {
    element: field(title(name, required), control, schema.description),
    value: () => read(control),
    set: (value) => write(control, value),
  };
}

const text = (control) => control.value || undefined;
const put = (control, value) => {
  control.value = value ?? "";
};

function fieldFor(schema, required) {
  if (schema.enum) {
    const options = schema.enum.map((one) => [one, one]);
    return [choice({}, required ? options : [["", "left out"], ...options]), text, put];
  }
  if (schema.type === "boolean") {
    const control = choice({}, [["", "left out"], ["true", "yes"], ["false", "no"]]);
    const read = () => (control.value ? control.value === "true" : undefined);
    return [control, read, (_, value) => put(control, value === undefined ? "" : String(value))];
  }
  if (schema.type === "integer" || schema.type === "number") {
    const { minimum: min, maximum: max, multipleOf: step } = schema;
    const control = h("input", { type: "number", min, max, step: step ?? 1, inputmode: "decimal" });
    return [control, () => (control.value === "" ? undefined : Number(control.value)), put];
  }
  if (schema.format === "date-time") {
    const control = h("input", { type: "datetime-local" });
    return [control, () => fromLocalField(control.value) ?? undefined, (_, value) => put(control, localField(value))];
  }
  if (schema.type === "array") {
    const control = h("textarea", { rows: 3, placeholder: "One a line" });
    const read = () => {
      const lines = control.value.split("\n").map((one) => one.trim()).filter(Boolean);
      return lines.length ? lines : undefined;
    };
    return [control, read, (_, value) => put(control, (value ?? []).join("\n"))];
  }
  const type = schema.format === "uri" ? "url" : "text";
  const long = !schema.maxLength || schema.maxLength > 255;
  const control = long && type === "text"
    ? h("textarea", { rows: 2, maxlength: schema.maxLength })
    : h("input", { type, maxlength: schema.maxLength, autocomplete: "off", spellcheck: "false" });
  return [control, text, put];
}

function group(schema, name, required) {
  const needed = new Set(schema.required);
  const parts = Object.entries(schema.properties).map(([key, inner]) => [key, part(inner, key, needed.has(key))]);
  const inside = h("div", { class: "form-parts" }, parts.map(([, one]) => one.element));
  const read = () => Object.fromEntries(
    parts.map(([key, one]) => [key, one.value()]).filter(([, value]) => value !== undefined),
  );
  const write = (value) => {
    for (const [key, one] of parts) one.set(value?.[key]);
  };
  if (name === null) {
    const nothing = parts.length === 0 && h("p", { class: "soft" }, "It takes no details.");
    return { element: h("div", {}, inside, nothing), value: read, set: write };
  }
  const given = h("input", { type: "checkbox", checked: required, hidden: required });
  const legend = h("legend", {}, required ? title(name, true) : h("label", { class: "field inline" }, given, h("span", {}, title(name, false))));
  const fence = () => {
    inside.hidden = !given.checked;
    // What is left out must not be asked to be filled in.
    for (const one of inside.querySelectorAll("input, select, textarea")) one.disabled = !given.checked;
  };
  given.addEventListener("change", fence);
  fence();
  return {
    element: h("fieldset", {}, legend, schema.description && h("small", {}, schema.description), inside),
    value: () => (given.checked ? read() : undefined),
    set(value) {
      given.checked = required || value !== undefined;
      fence();
      write(value);
    },
  };
}

function rows(schema, name, required) {
  const least = required ? Math.max(1, schema.minItems ?? 0) : 0;
  const list = h("div", { class: "stack" });
  let items = [];

  function add(value) {
    const one = group(schema.items, null, true);
    one.set(value ?? {});
    const without = h("button", { type: "button", class: "small", onclick: () => take(entry) }, "Remove");
    const entry = { ...one, box: h("div", { class: "row" }, one.element, without) };
    items.push(entry);
    list.append(entry.box);
  }

  function take(entry) {
    items = items.filter((one) => one !== entry);
    entry.box.remove();
    more.focus();
  }

  const more = h("button", { type: "button", class: "small", onclick: () => add() }, "Add one");
  for (let count = 0; count < least; count += 1) add();
  return {
    element: h("fieldset", { "data-wire": name }, h("legend", {}, title(name, required)), schema.description && h("small", {}, schema.description), list, more),
    value: () => (items.length || required ? items.map((one) => one.value()) : undefined),
    set(value) {
      items = [];
      show(list);
      const wanted = value ?? Array.from({ length: least }, () => ({}));
      for (const one of wanted) add(one);
    },
  };
}

/** A form for the payload of an action, which can be written as JSON instead. */
export function payloadForm(schema) {
  const form = part(schema, null, true);
  const json = h("textarea", { rows: 12, class: "mono", spellcheck: "false" });
  const error = h("p", { class: "error", role: "alert" });
  const jsonPart = h("div", { hidden: true }, field("Payload as JSON", json), error);
  const other = h("button", { type: "button", class: "small" }, "Write JSON");
  const asJson = () => !jsonPart.hidden;

  function parsed() {
    try {
      const found = JSON.parse(json.value);
      if (found === null || typeof found !== "object" || Array.isArray(found)) throw new Error("it is no object");
      show(error);
      return found;
    } catch (problem) {
      show(error, `This is no JSON object: ${problem.message}`);
      json.focus();
      throw Object.assign(problem, { told: true });
    }
  }

  other.addEventListener("click", () => {
    if (asJson()) {
      try {
        form.set(parsed());
      } catch {
        return;
      }
    } else {
      json.value = JSON.stringify(form.value(), null, 2);
    }
    const back = asJson();
    jsonPart.hidden = back;
    form.element.hidden = !back;
    // A form that is not seen must not keep anything from being sent.
    for (const one of form.element.querySelectorAll("[required]")) one.disabled = !back;
    other.textContent = back ? "Write JSON" : "Back to the form";
  });
  return {
    element: h("div", { class: "stack payload" }, form.element, jsonPart, h("div", {}, other)),
    value: () => (asJson() ? parsed() : form.value()),
    set: (value) => form.set(value),
  };
}
