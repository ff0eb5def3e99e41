/** An invitation as people read it: what, when, where, with whom (RFC 5545; its method from RFC 5546). */

/** A content line: its name, its parameters as written, its value. */
interface ContentLine {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly value: string;
}

/** Events and people that are told of one invitation. */
const MOST_EVENTS = 20;
const MOST_PEOPLE = 50;

const METHODS: Readonly<Record<string, string>> = {
  REQUEST: "Invitation",
  CANCEL: "Cancellation",
  REPLY: "Answer to an invitation",
  PUBLISH: "Event",
  COUNTER: "Proposal of another time",
};

const ANSWERS: Readonly<Record<string, string>> = {
  ACCEPTED: "comes",
  DECLINED: "does not come",
  TENTATIVE: "comes perhaps",
  DELEGATED: "sends somebody",
};

/** Lines as they stand in the text; whoever shows them makes them harmless. */
export function calendarLines(text: string): string[] {
  const lines = contentLines(text);
  const method = lines.find(({ name }) => name === "METHOD")?.value.toUpperCase() ?? "";
  const events = eventsOf(lines);
  const told = events
    .slice(0, MOST_EVENTS)
    .flatMap((event, at) => [...(at === 0 ? [] : [""]), ...eventLines(event)]);
  const more = events.length > MOST_EVENTS ? [`(${events.length - MOST_EVENTS} more events)`] : [];
  return [METHODS[method] ?? "Event", ...told, ...more];
}

function eventsOf(lines: readonly ContentLine[]): ContentLine[][] {
  const events: ContentLine[][] = [];
  let open: ContentLine[] | undefined;
  let within = 0;
  for (const line of lines) {
    const isBoundary = line.name === "BEGIN" || line.name === "END";
    if (line.name === "BEGIN" && open === undefined && /^(?:VEVENT|VTODO|VJOURNAL)$/i.test(line.value))
      open = [];
    else if (open !== undefined && line.name === "BEGIN") within += 1;
    else if (open !== undefined && line.name === "END" && within > 0) within -= 1;
    else if (open !== undefined && line.name === "END") {
      events.push(open);
      open = undefined;
    } else if (open !== undefined && within === 0 && !isBoundary) open.push(line);
  }
  return events;
}

function eventLines(event: readonly ContentLine[]): string[] {
  const field = (name: string) => event.find((line) => line.name === name);
  const told: string[] = [];
  const tell = (label: string, value: string | undefined) => {
    if (value !== undefined && value !== "") told.push(`${label}: ${value}`);
  };
  tell("What", textOf(field("SUMMARY")));
  const [start, end] = [timeOf(field("DTSTART")), timeOf(field("DTEND"))];
  tell("When", end === undefined || end === start ? start : `${start ?? "?"} to ${end}`);
  tell("Repeated", field("RRULE")?.value);
  tell("Where", textOf(field("LOCATION")));
  tell("From", personOf(field("ORGANIZER")));
  const people = event.filter(({ name }) => name === "ATTENDEE");
  for (const person of people.slice(0, MOST_PEOPLE)) {
    const answer = ANSWERS[person.parameters.get("PARTSTAT")?.toUpperCase() ?? ""];
    tell("With", [personOf(person), answer === undefined ? "" : `(${answer})`].join(" ").trim());
  }
  if (people.length > MOST_PEOPLE) told.push(`(${people.length - MOST_PEOPLE} more people)`);
  tell("Status", field("STATUS")?.value.toLowerCase());
  const description = textOf(field("DESCRIPTION"));
  if (description !== undefined && description !== "") told.push("", ...description.split("\n"));
  return told;
}

/** RFC 5545, 3.1: a line that begins with a blank goes on with the one before. */
function contentLines(text: string): ContentLine[] {
  const unfolded = text.replace(/\r?\n[ \t]/g, "");
  return unfolded.split(/\r?\n/).flatMap((line) => {
    const [, name, written = "", value = ""] =
      /^([A-Za-z0-9-]+)((?:;[^=;:]+=(?:"[^"]*"|[^";:]*)(?:,(?:"[^"]*"|[^";:]*))*)*):(.*)$/s.exec(line) ?? [];
    if (name === undefined) return [];
    const parameters = [...written.matchAll(/;([^=;:]+)=("[^"]*"|[^";:]*)/g)].map(
      ([, key = "", given = ""]) => [key.toUpperCase(), given.replaceAll('"', "")] as const,
    );
    return [{ name: name.toUpperCase(), parameters: new Map(parameters), value }];
  });
}

/** RFC 5545, 3.3.11. */
function textOf(line: ContentLine | undefined): string | undefined {
  return line?.value.replace(/\\([nN\\;,])/g, (_all, escaped: string) =>
    /n/i.test(escaped) ? "\n" : escaped,
  );
}

/** `2026-11-02 08:00 (Europe/Berlin)`, as it is written: no zone is computed. */
function timeOf(line: ContentLine | undefined): string | undefined {
  if (line === undefined) return undefined;
  const [, year, month, day, hour, minute, zulu] =
    /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z)?)?$/.exec(line.value.trim()) ?? [];
  if (year === undefined) return line.value;
  const date = `${year}-${month}-${day}`;
  if (hour === undefined) return date;
  const zone = zulu === undefined ? line.parameters.get("TZID") : "UTC";
  return `${date} ${hour}:${minute}${zone === undefined ? "" : ` (${zone})`}`;
}

function personOf(line: ContentLine | undefined): string | undefined {
  if (line === undefined) return undefined;
  const address = line.value.replace(/^mailto:/i, "");
  const name = line.parameters.get("CN");
  return name === undefined || name === address ? address : `${name} <${address}>`;
}
