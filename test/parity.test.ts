/** docs/parity.md: every name that Python's modules had stands in its section, and every test it names is there. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";

const PAGE = readFileSync("docs/parity.md", "utf8");
/** By the first word of its heading, in lower case. */
const SECTIONS: ReadonlyMap<string, string> = new Map(
  PAGE.split(/^## /m)
    .slice(1)
    .map((section) => [section.split(/[\s:]/)[0]?.toLowerCase() ?? "", section]),
);

const NAMES: Readonly<Record<string, string>> = {
  socket: `AF_INET AF_INET6 AF_UNIX SOCK_STREAM SOCK_DGRAM bind listen accept connect recv send sendall recvfrom sendto close
    shutdown gethostname getsockname getpeername setsockopt SO_REUSEADDR SO_BROADCAST TCP_NODELAY SO_KEEPALIVE settimeout
    sendfile broadcast`,
  http: `putheader getresponse getheader set_tunnel urlopen urlretrieve Request HTTPRedirectHandler HTTPCookieProcessor
    ProxyHandler getproxies ProxyBasicAuthHandler HTTPBasicAuthHandler HTTPDigestAuthHandler HTTPSHandler FTPHandler FileHandler
    DataHandler UnknownHandler urljoin quote unquote robots ServerProxy listMethods methodHelp methodSignature MultiCall DateTime
    Binary Boolean nil Fault ProtocolError`,
  nntp: `getwelcome getcapabilities login starttls newgroups newnews list descriptions description group over xover help stat
    next last article head body post ihave date slave xhdr quit decode_header NNTP_SSL usenetrc`,
  ftp: `connect login abort sendcmd voidcmd retrbinary retrlines storbinary storlines set_pasv makeport transfercmd mlsd nlst dir
    rename delete cwd mkd pwd rmd size quit close getwelcome auth prot_p prot_c ccc encoding source`,
  smtp: `connect helo ehlo has_extn esmtp_features starttls login auth mail rcpt data sendmail send_message verify vrfy expn noop
    rset help docmd putcmd quit SMTP_SSL LMTP source_address SMTPUTF8`,
  pop3: `user pass_ apop rpop stat list uidl retr top dele rset noop quit capa stls utf8 POP3_SSL getwelcome`,
  imap4: `login login_cram_md5 authenticate proxyauth starttls capability enable id select examine unselect close check noop list
    lsub namespace status create delete rename subscribe unsubscribe append search sort thread fetch uid store copy move expunge
    recent partial getquota getquotaroot setquota getacl setacl deleteacl myrights getannotation setannotation idle xatom
    IMAP4_SSL IMAP4_stream logout`,
  telnetlib: `open read_until expect read_all read_some read_eager read_sb_data write interact mt_interact msg set_debuglevel
    set_option_negotiation_callback get_socket sock_avail close`,
  gopher: `send_selector send_query path_to_selector path_to_datatype_name get_directory get_textfile get_binary
    get_alt_textfile get_alt_binary`,
};

describe("what Python's modules offered", () => {
  it.each(Object.entries(NAMES))("of %s each name has its row", (heading, names) => {
    const section = SECTIONS.get(heading) ?? "";
    const rows = section.split("\n").filter((line) => line.startsWith("|"));
    const missing = names
      .split(/\s+/)
      .filter((name) => !rows.some((row) => new RegExp(`\\b${name}`, "i").test(row)));
    expect(missing).toEqual([]);
  });

  it("names tests that there are", () => {
    const there = new Set(
      readdirSync("test", { recursive: true, encoding: "utf8" }).map((path) => basename(path)),
    );
    const named = [...PAGE.matchAll(/[\w/-]+\.test\.ts/g)].map(([path]) => basename(path));
    expect(named.length).toBeGreaterThan(100);
    expect([...new Set(named)].filter((name) => !there.has(name))).toEqual([]);
  });
});
