import { type Endpoint, receiveFiles, type Session } from "../../index.ts";
import { announce } from "../announce.ts";
import { Consent, decisionsFor } from "../consent.ts";
import { trustedKeys } from "../contacts.ts";
import type { Context } from "../context.ts";
import type { DoneEvent } from "../events.ts";
import { CliError, errorEvent } from "../failure.ts";
import { followPath, followTransfer } from "../follow-transfer.ts";
import { networkOf, openEndpoint } from "../open-endpoint.ts";
import type { ListenOptions } from "../options.ts";
import { requireFolder } from "../paths.ts";
import { atMost, nextWithin } from "../waiting.ts";
import { takeCasts } from "./listen-casts.ts";
import type { CastReception } from "./receive-cast.ts";

const FAREWELL_MS = 2000;
/** How long to look for the sender of a cast that was announced. */
const CAST_TIMEOUT_MS = 20_000;
const ASK_HINT = "start it with --accept trusted or --accept all";

/** `mp2p listen --into DIR`: an inbox. Ends with a signal, or with `--once` after one transfer. */
export async function listen(options: ListenOptions, context: Context): Promise<void> {
  const { reporter } = context;
  const accept = options.accept ?? (options.allow === undefined ? "ask" : "trusted");
  const trusted = [...(await trustedKeys()), ...(options.allow ?? [])];
  if (accept === "trusted" && trusted.length === 0) {
    throw new CliError(
      "MP2P_USAGE",
      "nobody is trusted yet",
      "name keys with --allow or in MP2P_HOME/contacts",
    );
  }
  await requireFolder(options.into as string);
  await using endpoint = await openEndpoint(
    {
      services: ["transfer/1"],
      ...(accept === "trusted" && { allow: trusted }),
      ...networkOf(options),
    },
    context,
  );
  await announce(endpoint, endpoint.ticket(), options, context);
  const inbox = new Inbox(endpoint, options, accept === "ask" ? ASK_HINT : undefined, context);
  const done = await inbox.run(trusted);
  if (done !== undefined) reporter.emit(done);
}

/** What became of one transfer: `done` or `error`. */
interface Attempt {
  readonly done: DoneEvent | undefined;
  readonly error: unknown;
  readonly offered: boolean;
  readonly accepted: boolean;
}

/** Takes transfers from any number of peers at once. */
class Inbox {
  readonly #endpoint: Endpoint;
  readonly #directory: string;
  readonly #options: ListenOptions;
  readonly #askHint: string | undefined;
  readonly #context: Context;
  readonly #consent: Consent;

  /** @param askHint - undefined: take every offer */
  constructor(
    endpoint: Endpoint,
    options: ListenOptions,
    askHint: string | undefined,
    context: Context,
  ) {
    this.#endpoint = endpoint;
    this.#directory = options.into as string;
    this.#options = options;
    this.#askHint = askHint;
    this.#context = context;
    this.#consent = new Consent(context.reporter, context.signal);
  }

  /**
   * @param trusted - whose casts to take
   * @returns with `--once`, what the one transfer came to; throws what it failed with
   */
  run(trusted: readonly (Uint8Array | string)[]): Promise<DoneEvent | undefined> {
    const { signal } = this.#context;
    return new Promise((resolve, reject) => {
      const serveAll = async () => {
        const sessions = this.#endpoint.sessions()[Symbol.asyncIterator]();
        for (;;) {
          const session = await nextWithin(sessions, undefined, signal);
          if (session === undefined) throw new CliError("MP2P_SOCKET", "the endpoint was closed");
          this.#serve(session).then((done) => done && resolve(done), reject);
        }
      };
      serveAll().catch(reject);
      const inbox = { endpoint: this.#endpoint, trusted, reception: this.#reception() };
      const isOnce = this.#options.once === true;
      takeCasts({ ...inbox, isOnce }, this.#context).then(resolve, reject);
    });
  }

  #reception(): CastReception {
    const { onConflict, durable } = this.#options;
    return {
      output: this.#directory,
      onConflict,
      timeout: CAST_TIMEOUT_MS,
      consent: this.#consent,
      ...(durable && { durable }),
      ...(this.#askHint === undefined ? { yes: true } : { askHint: this.#askHint }),
    };
  }

  /** Transfers of one peer, one after the other, until its session ends. */
  async #serve(session: Session): Promise<DoneEvent | undefined> {
    const { reporter, signal } = this.#context;
    followPath(session, reporter);
    for (;;) {
      const { done, error, offered, accepted } = await this.#receive(session);
      signal.throwIfAborted();
      if (accepted && this.#options.once) {
        await atMost(session.closed, FAREWELL_MS);
        if (done === undefined) throw error;
        return done;
      }
      if (!offered && (await atMost(session.closed, 0)) !== undefined) return undefined;
      if (done !== undefined) reporter.emit(done);
      else reporter.emit({ ...errorEvent(error), peer: session.peer.keyText });
      // Whatever keeps offers from being read would do so again at once.
      if (!offered) await session.close();
    }
  }

  async #receive(session: Session): Promise<Attempt> {
    const { reporter, signal, now } = this.#context;
    const { onConflict, durable } = this.#options;
    const state = { offered: false, accepted: false };
    const decisions = decisionsFor(session, this.#consent, {
      directory: this.#directory,
      onConflict,
      askHint: this.#askHint,
    });
    const transfer = receiveFiles(session, this.#directory, {
      signal,
      accept: async (offer) => {
        state.offered = true;
        state.accepted = await decisions.accept(offer);
        return state.accepted;
      },
      onConflict: decisions.onConflict,
      ...(durable && { durable }),
    });
    const bytesBefore = this.#endpoint.counters().bytesReceived;
    const wireBytes = () => this.#endpoint.counters().bytesReceived - bytesBefore;
    try {
      const done = await followTransfer(transfer, { session, reporter, now, wireBytes });
      return { ...state, done, error: undefined };
    } catch (error) {
      return { ...state, done: undefined, error: decisions.refusal() ?? error };
    }
  }
}
