/** Words of a search that other programs negate by a dash: here they would be options, `-unseen` a user called nseen. */
import { PortholeError } from "../errors.js";

const NEGATED =
  /^-((?:from|to|cc|bcc|subject|body|text|header|keyword|label|since|after|before|on|larger|smaller):.*|(?:un)?(?:seen|read|flagged|starred|answered|replied|draft|deleted))$/is;

/** @throws PortholeError `usage` that says how it is written */
export function refuseNegated(argv: readonly string[]): void {
  if (argv.find((word) => !word.startsWith("-")) !== "search") return;
  const ended = argv.indexOf("--");
  const negated = (ended < 0 ? argv : argv.slice(0, ended)).find((word) => NEGATED.test(word));
  if (negated === undefined) return;
  const word = negated.slice(1);
  const shown = /\s/.test(word) ? word.replace(/:(.*)$/s, (_, value: string) => `:"${value}"`) : word;
  throw new PortholeError("usage", `search takes no ${negated}`, {
    hint: `what is not to be found is written 'not ${shown}'`,
  });
}
