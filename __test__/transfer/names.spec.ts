import test from "ava";
import fc from "fast-check";
import { fold, type NameRules, whyNotLink, whyNotPath } from "../../src/transfer/names.ts";

const HERE: NameRules = { portable: undefined, windows: false };
const PORTABLE: NameRules = { portable: true, windows: false };
const LENIENT: NameRules = { portable: false, windows: false };

/** Label, path, and a word of the reason. */
const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ["empty", "", /empty/],
  ["traversal", "../x", /climbs/],
  ["traversal inside", "a/../../x", /climbs/],
  ["traversal at the end", "a/..", /climbs/],
  ["a dot", "a/./b", /"\."/],
  ["an empty part", "a//b", /empty/],
  ["a slash at the end", "a/", /empty/],
  ["absolute", "/etc/passwd", /absolute/],
  ["a zero byte", "a\0b", /zero byte/],
  ["a line feed", "a\nb", /control/],
  ["an escape sequence", "\u001b[2J", /control/],
  ["a C1 control", "a\u009bb", /control/],
  ["delete", "a\u007f", /control/],
  ["right to left override", "photo\u202egpj.exe", /control or text-direction/],
  ["an isolate", "a\u2066b", /text-direction/],
  ["a line separator", "a\u2028b", /control/],
  ["a lone surrogate", "a\ud800", /not Unicode/],
  ["a part of 256 bytes", "x".repeat(256), /longer than 255/],
  ["a part of 258 bytes in 86 characters", "\u20ac".repeat(86), /longer than 255/],
  ["a path of 4,097 bytes", `${"abc/".repeat(1024)}x`, /longer than 4096/],
  ["the inbox", ".mp2p/x", /unfinished transfers/],
  ["the inbox in other letters", "a/.MP2P", /unfinished transfers/],
  ["the inbox with an invisible letter", ".mp\u200c2p", /unfinished transfers/],
];

const FOREIGN: readonly (readonly [string, string, RegExp])[] = [
  ["a backslash", "..\\x", /backslash/],
  ["a drive", "C:/x", /drive/],
  ["a drive without a slash", "c:x", /drive/],
  ["a device", "CON", /device/],
  ["a device with an ending", "a/nul.txt", /device/],
  ["a serial port", "com1", /device/],
  ["a superscript port", "LPT\u00b2.log", /device/],
  ["a dot at the end", "name.", /ends in a dot/],
  ["a space at the end", "a /b", /ends in a dot/],
];

for (const [label, path, why] of REFUSED) {
  test(`refused everywhere: ${label}`, (t) => {
    for (const rules of [HERE, PORTABLE, LENIENT]) t.regex(whyNotPath(path, rules) ?? "", why);
  });
}

for (const [label, path, why] of FOREIGN) {
  test(`refused unless told otherwise: ${label}`, (t) => {
    t.regex(whyNotPath(path, HERE) ?? "", why);
    t.regex(whyNotPath(path, PORTABLE) ?? "", why);
    t.regex(whyNotPath(path, { portable: false, windows: true }) ?? "", why, "on Windows");
    t.is(whyNotPath(path, LENIENT), undefined);
  });
}

test("names that only Windows refuses pass here and fail with portable", (t) => {
  for (const path of ["12:30.log", "what?", 'a"b', "a|b", "<x>", "*"]) {
    t.is(whyNotPath(path, HERE), undefined, path);
    t.regex(whyNotPath(path, PORTABLE) ?? "", /one of/, path);
  }
});

test("ordinary names pass", (t) => {
  const paths = [
    "a",
    ".profile",
    "...",
    "a/b/c",
    "\u00e9",
    "e\u0301",
    "\u5199\u771f.jpg",
    "-rf",
    "console",
    "~",
    "a b",
  ];
  for (const path of [...paths, "x".repeat(255), "\u{1f468}\u200d\u{1f469}.png"]) {
    t.is(whyNotPath(path, { ...LENIENT }), undefined, path);
  }
});

test("no reason ever carries a control character", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (path, target) => {
      const reasons = [whyNotPath(path, HERE), whyNotLink("a/b", target)];
      return reasons.every((why) => why === undefined || !/[\p{Cc}\u202a-\u202e]/u.test(why));
    }),
  );
  t.pass();
});

const LINKS: readonly (readonly [string, string, string, boolean])[] = [
  ["beside", "top/link", "file", true],
  ["below", "top/link", "a/b", true],
  ["up to the root and down", "top/a/link", "../file", true],
  ["the root itself", "top/a/link", "..", true],
  ["out of the root", "top/link", "../other", false],
  ["far out", "top/a/link", "../../../etc/passwd", false],
  ["absolute", "top/link", "/etc/passwd", false],
  ["turning back in the middle", "top/a/link", "b/../../../x", false],
  ["turning back harmlessly", "top/link", "a/../b", false],
  ["a drive", "top/link", "c:x", false],
  ["a backslash", "top/link", "..\\x", false],
  ["empty", "top/link", "", false],
  ["with a control character", "top/link", "a\nb", false],
  ["into the inbox", "top/link", ".mp2p/x", false],
  ["alone, upwards", "link", "..", false],
];

for (const [label, path, target, fits] of LINKS) {
  test(`a link ${label} is ${fits ? "taken" : "refused"}`, (t) => {
    t.is(whyNotLink(path, target) === undefined, fits);
  });
}

test("names that differ in case or Unicode form fold to one", (t) => {
  t.is(fold("\u00c9t\u00e9"), fold("e\u0301TE\u0301"));
  t.is(fold("STRASSE"), fold("stra\u00dfe"));
  t.not(fold("a"), fold("b"));
});
