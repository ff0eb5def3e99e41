/** Forms whose answers have several lines: a Gopher+ server's AskL, a web page's textarea. */
import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { conversation, script, scripted } from "../../fixtures/servers/scripted.js";
import { Browsing } from "./browsing.js";

describe("a question for several lines", () => {
  it("of a Gopher+ form has rows of its own, and is answered with all of them", async () => {
    const form = script()
      .expect("/log\t!")
      .send("+-1\r\n+ASK:\r\n Ask: Who?\tAda\r\n AskL: What was seen?\r\n Select: Urgent?\r\n.\r\n");
    const sent = conversation(`
      C: /log	+	1
      C: +-1
      C: Ada
      C: 2
      C: a light
      C: and fog
      C: 1
      C: .
      S: +-1
      S: It is written down
      S: .
    `);
    // A server of its own for the menu, which names the other's port.
    await using server = await scripted([form, sent], { timeout: 5000 });
    await using first = await scripted(
      script().expect("").send(`0The log\t/log\t127.0.0.1\t${server.port}\t?\r\n.\r\n`),
      { timeout: 5000 },
    );
    await using at = await Browsing.open({ url: first.url("gopher"), columns: 60, rows: 12 });
    await at.sees("The log");
    at.press("1");
    await at.sees("Who?: Ada");
    at.press("Enter");
    await at.sees("What was seen?: [Ctrl-X: done]");
    at.press("a light", "Enter", "and", "Enter", "Backspace", " fog");
    await at.sees("a light\nand fog");
    expect(at.screen.row(10)).toBe("What was seen?: [Ctrl-X: done]");
    expect(at.screen.cursor).toEqual({ row: 12, column: 8 });
    at.press("C-x");
    await at.sees("Urgent? (0, 1): 0");
    at.press("Backspace", "yes", "Enter");
    await at.sees("It is written down");
    expect(at.screen.strange).toEqual([]);
    await server.done;
  });

  it("of a web page, too, whose proposal keeps its lines; a small screen shows the line with the cursor", async () => {
    const posted: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece) => {
        body += piece;
      });
      request.on("end", () => {
        if (request.method === "POST") posted.push(body);
        response.setHeader("content-type", "text/html");
        response.end(
          posted.length > 0
            ? "<p>It is kept</p>"
            : '<p>Sign here</p><form method="post"><textarea name="t">one\ntwo</textarea></form>',
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      await using at = await Browsing.open({ url: `http://127.0.0.1:${port}/`, columns: 50, rows: 8 });
      await at.sees("Sign here");
      at.press("F");
      await at.sees(/^t: \[Ctrl-X: done\]\none\ntwo$/m);
      at.screen.resize(12, 2);
      at.browser.redraw();
      await at.sees(/\ntwo$/);
      at.screen.resize(12, 1);
      at.browser.redraw();
      await at.sees(/^two$/);
      at.screen.resize(100, 8);
      at.browser.redraw();
      at.press("Enter", "three", "C-x");
      await at.sees("by POST, in clear? [y/n]");
      at.press("y");
      await at.sees("It is kept");
      expect(posted).toEqual(["t=one%0D%0Atwo%0D%0Athree"]);
      expect(at.screen.strange).toEqual([]);
    } finally {
      server.close();
    }
  });
});
