/** Everything this package offers to programs. */

export type { GroupDrops, SocketCounters } from "./backend/counters.ts";
export type { Capabilities } from "./backend/port.ts";
export { ERROR_CODES, type ErrorCode, Mp2pError, type Mp2pErrorOptions } from "./base/errors.ts";
export { toZbase32 as formatKey } from "./base/zbase32.ts";
export { type CallClassicOptions, callClassic } from "./classic/call.ts";
export { type ClassicServing, type ServeClassicOptions, serveClassic } from "./classic/serve.ts";
export type { HeardMessage } from "./classic/server.ts";
export type { Allow } from "./endpoint/admission.ts";
export type { CastsNearbyOptions } from "./endpoint/announced-casts.ts";
export type { LoopOptions } from "./endpoint/async-queue.ts";
export type {
  BackendInfo,
  ConnectOptions,
  MulticastInfo,
  TicketOptions,
} from "./endpoint/call-options.ts";
export type { CloseReason } from "./endpoint/close-reason.ts";
export { Endpoint } from "./endpoint/endpoint.ts";
export { Group, type GroupEvents, type GroupMember } from "./endpoint/group.ts";
export type { GroupMessage } from "./endpoint/group-inbox.ts";
export type { GroupOptions } from "./endpoint/group-options.ts";
export { homeFolder, Identity } from "./endpoint/identity.ts";
export type { NearbyOptions, NearbyPeer } from "./endpoint/nearby.ts";
export type {
  DiscoveryOptions,
  DiscoveryScope,
  EndpointLimits,
  EndpointOptions,
} from "./endpoint/options.ts";
export { Session, type SessionEvents } from "./endpoint/session.ts";
export type { PathInfo, SessionStats } from "./endpoint/session-host.ts";
export type { OpenStreamOptions } from "./endpoint/session-streams.ts";
export { type Consumer, Stream } from "./endpoint/stream.ts";
export type {
  Absence,
  AnnouncedCast,
  CastContent,
  Casting,
  CastOptions,
  CastOutcome,
  CastPolicy,
  CastProgress,
  CastReceipt,
  CastReceiveProgress,
  CastReport,
  CastShape,
  CastTarget,
  ForgedSymbols,
  HeldBlock,
  ReceiveCastOptions,
  ReceiverReport,
  ReceiverState,
  ReceiverStatus,
} from "./multicast/cast/contract.ts";
export type { GroupCounters } from "./multicast/group/counters.ts";
export type { Departure } from "./multicast/group/member-table.ts";
export { parseKey } from "./noise/identity.ts";
export { formatTicket, isCastTicket, parseTicket, type Ticket } from "./rendezvous/ticket.ts";
export { FIRST_PROGRAM_CODE } from "./session/close-codes.ts";
export type { CastEndpoint } from "./transfer/cast-endpoint.ts";
export { type CastFilesOptions, castFiles, type FileCast } from "./transfer/cast-files.ts";
export { castStream, receiveCastStream, type StreamCast } from "./transfer/cast-stream.ts";
export type {
  AcceptEvent,
  DoneEvent,
  FileEvent,
  FileResult,
  Offer,
  OfferEvent,
  ProgressEvent,
  Transfer,
  TransferEvent,
  TransferFailure,
  TransferSummary,
} from "./transfer/events.ts";
export type { Conflict } from "./transfer/place.ts";
export { type ReceiveOptions, receiveFiles } from "./transfer/receive.ts";
export { type ReceiveCastFilesOptions, receiveCast } from "./transfer/receive-cast.ts";
export { type SendOptions, sendFiles } from "./transfer/send.ts";
export type { TransferSession } from "./transfer/session.ts";
export type { Existing } from "./transfer/survey.ts";
