// Signing in at the identity provider: OpenID Connect, authorization code with PKCE (RFC 7636), as a public client.

import { request } from "./api.js";
import { tab } from "./memory.js";
import { looksLikeToken } from "./session.js";

const STORAGE_KEY = "topup.console.sign_in";
const OUR_PARAMETERS = ["code", "state", "error"];

/** Why it did not work; `reason` is the key of what the page says, `detail` what the provider said. */
export class SignInFailed extends Error {
  constructor(reason, detail = "") {
    super(reason);
    Object.assign(this, { reason, detail });
  }
}

/** Leave for the provider, and remember what its answer must belong to. Raises SignInFailed. */
export async function leaveForProvider({ issuer, client_id: clientId, scopes, audience }) {
  const { authorization_endpoint: address } = await metadataOf(issuer);
  const [state, verifier] = [randomText(), randomText()];
  tab.write(STORAGE_KEY, JSON.stringify({ state, verifier, place: location.hash }));
  const target = new URL(address);
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: ownAddress(),
    scope: scopes,
    state,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: "S256",
    ...(audience ? { audience } : {}),
  };
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value);
  location.assign(target);
}

/** The token of somebody who comes back from the provider; null for everybody else. Raises SignInFailed. */
export async function tokenOfReturn(configured) {
  const answer = new URLSearchParams(location.search);
  if (!OUR_PARAMETERS.some((name) => answer.has(name))) return null;
  const begun = JSON.parse(tab.read(STORAGE_KEY) ?? "null");
  tab.remove(STORAGE_KEY); // a code is for one use
  history.replaceState(null, "", location.pathname + (begun?.place ?? ""));
  check(answer, begun, configured);
  return tokenFor(answer.get("code"), begun.verifier, configured);
}

function check(answer, begun, configured) {
  // Somebody else's answer, which would sign this person in as somebody else.
  if (!configured || !begun || answer.get("state") !== begun.state) throw new SignInFailed("signInForeign");
  if (answer.has("iss") && answer.get("iss") !== configured.issuer) throw new SignInFailed("signInForeign");
  if (answer.has("error")) throw new SignInFailed("signInRefused", answer.get("error_description") ?? answer.get("error"));
}

async function tokenFor(code, verifier, { issuer, client_id: clientId }) {
  const { token_endpoint: address } = await metadataOf(issuer);
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: ownAddress(),
    client_id: clientId,
    code_verifier: verifier,
  });
  const answer = await asked(address, { method: "POST", body });
  const token = [answer.access_token, answer.id_token].find((one) => typeof one === "string" && looksLikeToken(one));
  if (!token) throw new SignInFailed("signInNoToken");
  return token;
}

/** OpenID Connect Discovery: where the provider's endpoints are. */
async function metadataOf(issuer) {
  const metadata = await asked(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (metadata.issuer !== issuer) throw new SignInFailed("signInOtherIssuer", metadata.issuer);
  return metadata;
}

async function asked(address, options) {
  try {
    return await request(address, options);
  } catch (error) {
    const { error_description: description, error: code } = error.problem ?? {};
    throw new SignInFailed(error.status ? "signInRefused" : "signInUnreachable", description ?? code ?? address);
  }
}

const ownAddress = () => location.origin + location.pathname;

const randomText = () => base64Url(crypto.getRandomValues(new Uint8Array(32)));

const challengeOf = async (verifier) => base64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));

const base64Url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
