import test from "ava";
import { ascii } from "../../src/base/bytes.ts";
import { crc32c } from "../../src/base/crc32c.ts";

test("the checks of RFC 3720 appendix B.4 come out", (t) => {
  t.is(crc32c(new Uint8Array(32)), 0x8a91_36aa);
  t.is(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8_ab43);
  t.is(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at)), 0x46dd_794e);
  t.is(crc32c(Uint8Array.from({ length: 32 }, (_, at) => 31 - at)), 0x113f_db5c);
  t.is(crc32c(ascii("123456789")), 0xe306_9283);
});
