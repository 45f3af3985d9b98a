import test from "ava";
import { atFreeName, numbered } from "../../src/transfer/place.ts";

const NAME = "log.txt";

async function put(
  taken: ReadonlySet<string>,
): Promise<{ name: string; tries: number; looks: number }> {
  let tries = 0;
  let looks = 0;
  const { name } = await atFreeName(
    NAME,
    "rename",
    async () => undefined,
    async (other) => {
      tries++;
      return !taken.has(other);
    },
    async (other) => {
      looks++;
      return taken.has(other);
    },
  );
  return { name, tries, looks };
}

test("the 5,000th file of a name costs hardly more than the second", async (t) => {
  const taken = new Set([NAME]);
  for (let number = 1; number < 5000; number++) {
    const { name, tries, looks } = await put(taken);
    t.is(name, numbered(NAME, number));
    t.true(tries <= 2 && looks <= 30, `${tries} tries and ${looks} looks for ${name}`);
    taken.add(name);
  }
});

test("the last free number is found wherever it is, and none is given twice", async (t) => {
  for (const free of [1, 2, 4095, 5000, 8192, 9998, 9999]) {
    const taken = new Set([NAME]);
    for (let number = 1; number <= 9999; number++)
      if (number !== free) taken.add(numbered(NAME, number));
    t.is((await put(taken)).name, numbered(NAME, free));
    taken.add(numbered(NAME, free));
    await t.throwsAsync(put(taken), { code: "MP2P_EXISTS" });
  }
});
