/** All subjects. */
import { cast, castMany } from "./cast.ts";
import { castRate } from "./cast-rate.ts";
import { connect } from "./connect.ts";
import { file } from "./file.ts";
import { find } from "./find.ts";
import { handshakes } from "./handshakes.ts";
import { help } from "./help.ts";
import { idleSessions } from "./idle-sessions.ts";
import { request } from "./request.ts";
import { simulated } from "./simulated.ts";
import { slowReader } from "./slow-reader.ts";
import { smallFiles } from "./small-files.ts";
import { streamFallback } from "./stream-fallback.ts";
import { streamNative } from "./stream-native.ts";
import type { Subject } from "./subject.ts";

export const SUBJECTS: readonly Subject[] = [
  streamNative,
  streamFallback,
  file,
  smallFiles,
  cast,
  castMany,
  castRate,
  request,
  connect,
  find,
  handshakes,
  simulated,
  slowReader,
  idleSessions,
  help,
];
