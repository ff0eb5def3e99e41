import { describe, expect, it } from "vitest";
import { startHttpProxy, startSocksProxy } from "../../fixtures/servers/proxy.js";
import type { ClientSettings } from "../../src/client.js";
import { contentOf, failureOf, names, opened, pieces } from "./opened.js";
import { prepareSandbox, sandbox, trusting } from "./served.js";

prepareSandbox();

describe.each(["http", "socks5", "socks5h", "socks4a"])("through a proxy (%s)", (scheme) => {
  it("control and data connections go, each to the server's own name", async () => {
    await using proxy = await (scheme === "http" ? startHttpProxy() : startSocksProxy());
    await sandbox({ foreignPasv: true, noEpsv: true }, async ({ url }) => {
      const settings = {
        network: { ...trusting().network, proxy: { url: proxy.url(scheme) } },
      } satisfies ClientSettings;
      await opened(
        url,
        async (session) => {
          expect(await names(session.list("/pub/charts/"))).toContain("bay.txt");
          expect(await contentOf(session, "/pub/charts/bay.txt")).toBe("bay: sand, 12 m\n");
          await session.write("/incoming/x", { body: pieces("x") });
        },
        settings,
      );
      expect(proxy.asked).toHaveLength(4);
      expect(new Set(proxy.asked.map(({ host }) => host))).toEqual(new Set(["127.0.0.1"]));
    });
  });

  it("active mode does not go, and says so", async () => {
    await using proxy = await (scheme === "http" ? startHttpProxy() : startSocksProxy());
    await sandbox({}, async ({ url }) => {
      const settings = {
        network: { ...trusting().network, proxy: { url: proxy.url(scheme) } },
        options: { active: true },
      } satisfies ClientSettings;
      const read = opened(url, (session) => session.read("/welcome.txt"), settings);
      expect(await failureOf(read)).toMatchObject({ code: "usage", hint: "leave out --active" });
    });
  });
});
