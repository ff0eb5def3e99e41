/** A JSON object out of fields: `a[b][0]=x` names a place within it, as in HTTPie. */
import { PortholeError } from "../../src/errors.js";
import { type ExactJson, ExactNumber, isJsonList } from "../../src/text/exact-json.js";

/** Places of a list further on than this are a slip, not a wish. */
const LONGEST_LIST = 10_000;

/** `undefined` appends to a list. */
type Step = string | number | undefined;

/**
 * @param fields in order; a later one of the same name replaces an earlier
 * @throws PortholeError `usage` for a path that contradicts another
 */
export function nestedJson(fields: readonly (readonly [name: string, value: ExactJson])[]): ExactJson {
  let root: ExactJson | undefined;
  for (const [name, value] of fields) root = placed(root, stepsOf(name), value, name);
  return root ?? {};
}

/** `a[b][0][]`: the first step may be empty (`[]=x`, `[0]=x`): the whole is a list then. */
function stepsOf(name: string): Step[] {
  const [, first = "", rest = ""] = /^((?:[^[\\]|\\.)*)(.*)$/s.exec(name) ?? [];
  const steps: Step[] = first === "" && rest !== "" ? [] : [unescaped(first)];
  let left = rest;
  while (left !== "") {
    const part = /^\[((?:[^\]\\]|\\.)*)\]/s.exec(left);
    if (part === null) return [unescaped(name)];
    const inner = part[1] ?? "";
    steps.push(inner === "" ? undefined : /^\d{1,9}$/.test(inner) ? Number(inner) : unescaped(inner));
    left = left.slice(part[0].length);
  }
  return steps;
}

function unescaped(text: string): string {
  return text.replace(/\\([[\]\\\d])/g, "$1");
}

function placed(
  before: ExactJson | undefined,
  steps: readonly Step[],
  value: ExactJson,
  name: string,
): ExactJson {
  const [step, ...rest] = steps;
  if (steps.length === 0) return value;
  if (typeof step === "string") {
    const object = before ?? {};
    if (typeof object !== "object" || object === null || isJsonList(object)) throw contradiction(name);
    if (object instanceof ExactNumber) throw contradiction(name);
    const inner = placed(Object.hasOwn(object, step) ? object[step] : undefined, rest, value, name);
    // Not by assignment: a key may be called __proto__.
    return Object.fromEntries([...Object.entries(object).filter(([key]) => key !== step), [step, inner]]);
  }
  const list = before ?? [];
  if (!isJsonList(list)) throw contradiction(name);
  const at = step ?? list.length;
  if (at >= LONGEST_LIST) throw new PortholeError("usage", `'${name}': a list that long is written as JSON`);
  const longer = [...list];
  while (longer.length < at) longer.push(null);
  longer[at] = placed(list[at] ?? undefined, rest, value, name);
  return longer;
}

function contradiction(name: string): PortholeError {
  return new PortholeError(
    "usage",
    `'${name}' contradicts an earlier field: one says list, one object or value`,
  );
}
