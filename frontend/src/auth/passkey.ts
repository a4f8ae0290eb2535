import { entrance, security, type WebAuthnJson } from '@/api';

/** Whether this browser can talk of passkeys in JSON: all can since 2025 (Chrome 129, Firefox 119, Safari 18.4). */
export function passkeysWork(): boolean {
  return (
    typeof PublicKeyCredential === 'function' &&
    typeof PublicKeyCredential.parseRequestOptionsFromJSON === 'function' &&
    typeof PublicKeyCredential.prototype.toJSON === 'function'
  );
}

/** Whether the browser can offer passkeys among the names it fills in. */
export async function passkeysFillIn(): Promise<boolean> {
  if (!passkeysWork()) return false;
  return (await PublicKeyCredential.isConditionalMediationAvailable?.()) ?? false;
}

/** Lets the holder sign with a passkey; null if they thought better of it. */
export async function signWithPasskey(
  options: { fillIn?: boolean; signal?: AbortSignal } = {},
): Promise<WebAuthnJson | null> {
  const asked = await entrance.passkeyOptions();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    asked.options as unknown as PublicKeyCredentialRequestOptionsJSON,
  );
  return answerOf(
    navigator.credentials.get({
      publicKey,
      mediation: options.fillIn ? 'conditional' : undefined,
      signal: options.signal,
    }),
  );
}

/** Lets the holder make a passkey; null if they thought better of it. */
export async function makePasskey(): Promise<WebAuthnJson | null> {
  const asked = await security.passkeyOptions();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    asked.options as unknown as PublicKeyCredentialCreationOptionsJSON,
  );
  return answerOf(navigator.credentials.create({ publicKey }));
}

async function answerOf(asking: Promise<Credential | null>): Promise<WebAuthnJson | null> {
  try {
    const credential = await asking;
    return credential && ((credential as PublicKeyCredential).toJSON() as WebAuthnJson);
  } catch (error) {
    // The browser says "not allowed" for a dialog that was closed and for a device that took too long.
    const name = error instanceof DOMException ? error.name : '';
    if (name === 'NotAllowedError' || name === 'AbortError') return null;
    if (name === 'InvalidStateError') throw new KnownPasskey();
    throw error;
  }
}

/** The device has a passkey of this account already. */
export class KnownPasskey extends Error {
  override name = 'KnownPasskey';
}
