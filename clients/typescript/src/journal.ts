/**
 * The journal: captures whose outcome is not known, in a directory that several processes may share.
 *
 * A record is the file `pending/<id>/<time>.json`. Until that time (milliseconds since 1970) nobody sends it. It is what
 * `Retry-After` asks for, and also what keeps two processes from sending the same record: whoever takes it renames it to
 * a later time, and of two that rename the same file one finds it gone. A record comes to its place complete, by a rename
 * too, so a process that is killed leaves it as it was before a step or as it is after it.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";

import { CapturePending } from "./errors.js";

/** A capture as it is sent. The same key and body take once; a key is its user's, whom the hold's id names. */
export interface Capture {
  readonly holdId: string;
  readonly key: string;
  readonly body: string;
}

/** A capture that is this process's alone to send, and the file of its record. */
export interface Turn {
  readonly capture: Capture;
  readonly file: string;
}

/** A capture that is not sent any more: its record was corrupt, or the service refused it. `reason` says which. */
export interface SetAside {
  /** Where its record is now: it is yours to read and to delete. */
  readonly file: string;
  /** Undefined of a corrupt record, which is as it was found. */
  readonly capture: Capture | undefined;
  readonly reason: string;
}

/** Seconds; a capture is taken for a day after its hold's end, whatever a proxy asks for. */
const LONGEST_PAUSE = 3600;
const CORRUPT = "the record is corrupt: it is not what was written";

/** Captures that may or may not have been taken. It has no credentials in it. */
export class Journal {
  readonly #pending: string;
  readonly #setAside: string;
  readonly #unfinished: string;

  constructor(
    directory: string,
    /** After so many seconds a request that was begun, and never ended, is no longer under way. */
    private readonly leaseSeconds: number,
    public clock: () => number = Date.now,
  ) {
    this.#pending = join(directory, "pending");
    this.#setAside = join(directory, "set-aside");
    this.#unfinished = join(directory, "unfinished");
    for (const part of [this.#pending, this.#setAside, this.#unfinished]) mkdirSync(part, { recursive: true });
  }

  /**
   * Note a capture before it is sent: if this process ends now, another one sends it again.
   *
   * Throws CapturePending if it must not be sent now: another process is sending it, or was asked to wait.
   */
  async begin(capture: Capture): Promise<Turn> {
    const until = this.clock() + this.leaseSeconds * 1000;
    for (;;) {
      const prepared = await this.#prepare(capture, until);
      // A directory replaces an empty one only: if the capture has a record, this fails.
      if (await succeeds(rename(prepared, this.#home(capture)), "ENOTEMPTY", "EEXIST")) {
        await sync(this.#pending);
        return { capture, file: join(this.#home(capture), recordOf(until)) };
      }
      const [found] = await this.#records(idOf(capture));
      const file = found && (await this.#take(found));
      // What is sent now takes the place of what was sent before. Killed in between, we leave the earlier one.
      if (file) await rename(join(prepared, recordOf(until)), file);
      await rm(prepared, { recursive: true });
      if (file) return { capture, file };
      if (found) throw new CapturePending(capture.key);
      // It has ended since: begin again.
    }
  }

  /** Forget a capture: its outcome is known, and somebody has been told. */
  async end({ capture, file }: Turn): Promise<void> {
    // Not synced: if a power failure brings the record back, it is sent again with its key, which takes nothing.
    await succeeds(unlink(file), "ENOENT");
    await this.#leave(idOf(capture));
  }

  /** Keep a capture whose outcome is not known; nobody sends it before `retryAfter` seconds from now, an hour at most. */
  async postpone({ capture, file }: Turn, retryAfter = 0): Promise<void> {
    const home = this.#home(capture);
    const due = this.clock() + Math.min(retryAfter, LONGEST_PAUSE) * 1000;
    const postponed = await succeeds(rename(file, join(home, recordOf(due))), "ENOENT");
    // Due at once, it may have been sent by another process, and its directory be gone.
    if (postponed) await succeeds(sync(home), "ENOENT");
  }

  /** Keep a capture for a person to look at; it is not sent again. */
  async setAside(turn: Turn, reason: string): Promise<void> {
    const { capture } = turn;
    const until = this.clock() + this.leaseSeconds * 1000;
    const prepared = await this.#prepare({ ...capture, reason }, until);
    // Killed before `end`, we leave both: it is sent and refused once more, and comes to the same place.
    await rename(join(prepared, recordOf(until)), join(this.#setAside, `${idOf(capture)}.json`));
    await sync(this.#setAside);
    await rmdir(prepared);
    await this.end(turn);
    console.error(`the capture ${capture.key} was set aside: ${reason}`);
  }

  /** Each capture that is due, for this process alone to send. Those whose record is corrupt are set aside. */
  async *takeDue(): AsyncGenerator<Turn> {
    await this.#sweep();
    for (const record of await this.#allRecords()) {
      const file = await this.#take(record);
      const capture = file && (await read(file))?.capture;
      if (file && capture && idOf(capture) === record.id) yield { capture, file };
      else if (file) await this.#setAsideCorrupt(record.id, file);
    }
  }

  /** Whether the outcome of this capture is not known. */
  async has(holdId: string, key: string): Promise<boolean> {
    return (await this.#records(idOf({ holdId, key }))).length > 0;
  }

  /** How many captures it has whose outcome is not known. */
  async waiting(): Promise<number> {
    return (await this.#allRecords()).length;
  }

  /** What a person has to look at. */
  async allSetAside(): Promise<SetAside[]> {
    const files = (await readdir(this.#setAside)).sort().map((name) => join(this.#setAside, name));
    const stored = await Promise.all(files.map(async (file) => ({ file, record: await read(file) })));
    return stored.flatMap(({ file, record }) => {
      if (record === undefined) return [];
      const { capture, reason } = record;
      return capture && reason !== undefined ? { file, capture, reason } : { file, capture: undefined, reason: CORRUPT };
    });
  }

  #home(capture: Capture): string {
    return join(this.#pending, idOf(capture));
  }

  /** The new file of a record, if it is due and nobody else has taken it. */
  async #take({ id, name, notBefore }: Found): Promise<string | undefined> {
    const now = this.clock();
    if (notBefore > now) return undefined;
    const home = join(this.#pending, id);
    const file = join(home, recordOf(now + this.leaseSeconds * 1000));
    return (await succeeds(rename(join(home, name), file), "ENOENT")) ? file : undefined;
  }

  /** A directory that has this record alone, on the disk. What a killed process leaves of it is swept after its time. */
  async #prepare(record: Capture & { reason?: string }, until: number): Promise<string> {
    const prepared = join(this.#unfinished, `${recordOf(until)}-${randomUUID()}`);
    await mkdir(prepared);
    const file = await open(join(prepared, recordOf(until)), "wx");
    try {
      await file.writeFile(JSON.stringify({ ...record, digest: digestOf(record) }));
      await file.sync();
    } finally {
      await file.close();
    }
    await sync(prepared);
    return prepared;
  }

  async #setAsideCorrupt(id: string, file: string): Promise<void> {
    const kept = join(this.#setAside, `${id}-${randomUUID()}.corrupt`);
    if (await succeeds(rename(file, kept), "ENOENT")) console.error(`a capture was set aside: ${CORRUPT}: ${kept}`);
    await this.#leave(id);
  }

  /** Remove the directory of a record that has gone, unless another record has come. */
  async #leave(id: string): Promise<void> {
    await succeeds(rmdir(join(this.#pending, id)), "ENOENT", "ENOTEMPTY", "EEXIST");
  }

  /** Remove what killed processes have left, and set aside what is no record at all. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#unfinished)) {
      if (timeOf(name) <= this.clock()) await rm(join(this.#unfinished, name), { recursive: true, force: true });
    }
    for (const entry of await readdir(this.#pending, { withFileTypes: true })) {
      if (entry.isDirectory()) await this.#leave(entry.name);
      else await this.#setAsideCorrupt(entry.name, join(this.#pending, entry.name));
    }
  }

  async #allRecords(): Promise<Found[]> {
    const found = await Promise.all((await readdir(this.#pending)).map((id) => this.#records(id)));
    return found.flat().sort((one, other) => one.notBefore - other.notBefore);
  }

  /** The record of a capture, if it has one. */
  async #records(id: string): Promise<Found[]> {
    try {
      const names = await readdir(join(this.#pending, id));
      return names.map((name) => ({ id, name, notBefore: timeOf(name) }));
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return [];
      throw error;
    }
  }
}

interface Found {
  readonly id: string;
  readonly name: string;
  readonly notBefore: number;
}

function recordOf(time: number): string {
  return `${Math.ceil(time)}.json`;
}

/** A name without a time is of no record that we wrote: it is due, and then found corrupt. */
function timeOf(name: string): number {
  const time = Number.parseInt(name, 10);
  return Number.isNaN(time) ? 0 : time;
}

function idOf({ holdId, key }: { holdId: string; key: string }): string {
  return sha256([holdId, key]);
}

/** Shows whether the record is still what was written. */
function digestOf({ holdId, key, body }: Capture): string {
  return sha256([holdId, key, body]);
}

function sha256(parts: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** What the file of a record says: no capture if it is corrupt, nothing if somebody has deleted it. */
async function read(file: string): Promise<{ capture?: Capture; reason?: string } | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { holdId, key, body, digest, reason } = JSON.parse(text);
    const capture: Capture = { holdId, key, body };
    return digestOf(capture) === digest ? { capture, reason } : {};
  } catch {
    return {};
  }
}

/** Make the names in a directory last through a power failure. */
async function sync(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** False if the step failed with one of these codes: another process was faster. */
async function succeeds(step: Promise<unknown>, ...codes: string[]): Promise<boolean> {
  try {
    await step;
    return true;
  } catch (error) {
    if (codes.includes(codeOf(error))) return false;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
