/** What may go wrong: a problem document, which its `code` tells apart, or an answer that has none. */
import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** The problem documents (RFC 9457). Compare `code`, and TypeScript knows the fields of that document. */
export type Problem = {
  [Name in keyof Schemas]: Schemas[Name] extends { code: string; request_id: string } ? Schemas[Name] : never;
}[keyof Schemas];

/** The base of all errors of this package. */
export class TopupError extends Error {
  /** Whether the request may have changed something. If so, repeat it with the same key, never with another one. */
  mayHaveActed = false;
  /** Whether the same request may succeed later without anybody doing anything. */
  isTemporary = false;
  /** Whether the service has refused the request itself: the same request has not acted, in any attempt. */
  isRefusal = false;
  /** How many seconds to wait before the request is repeated, if the service said so. */
  retryAfter: number | undefined = undefined;
}

/** The service did not answer, so that nobody knows whether the request has acted. */
export class NoAnswer extends TopupError {
  override name = "NoAnswer";
  override mayHaveActed = true;
  override isTemporary = true;
}

/** The answer is not what the contract says. It proves nothing: a proxy may have written it. */
export class UnexpectedAnswer extends NoAnswer {
  override name = "UnexpectedAnswer";
}

/** API Gateway answered by itself: there is no problem document. */
export class GatewayError extends TopupError {
  override name = "GatewayError";

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(`${status}: ${message}`);
    this.mayHaveActed = status >= 500;
    this.isTemporary = this.mayHaveActed || status === 429;
  }
}

/**
 * The outcome of a capture is not known yet, or its key was refused. The journal has it, and will send it again.
 *
 * Do not send it again yourself: `replayCaptures` does. `cause` says what happened.
 */
export class CapturePending extends TopupError {
  override name = "CapturePending";
  override mayHaveActed = true;

  constructor(
    readonly key: string,
    options?: ErrorOptions,
  ) {
    super(`The capture ${key} waits in the journal`, options);
  }
}

/** What is wrong with the request itself. Others, such as of the X-API-Key, say nothing of what an earlier attempt did. */
const REFUSALS = [400, 404, 409, 413, 415, 422];

/** The service refused the request or failed, and says so in a problem document. */
export class ApiError extends TopupError {
  override name = "ApiError";

  constructor(readonly problem: Problem) {
    super(`${problem.detail} (${problem.code}, request ${problem.request_id})`);
    this.mayHaveActed = problem.status >= 500;
    // Until its operator repairs it, a stack that is not configured fails again.
    this.isTemporary = this.mayHaveActed && problem.code !== "misconfigured";
    this.isRefusal = REFUSALS.includes(problem.status) && problem.code !== "no_such_address";
  }
}
