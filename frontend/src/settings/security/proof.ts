import { createContext, useContext } from 'react';

/** Runs something that needs a fresh proof of who asks, and asks for it when the server does. */
export type Guarded = <T>(run: () => Promise<T>) => Promise<T>;

/** They were asked to prove who they are and thought better of it. */
export class NotProved extends Error {
  override name = 'NotProved';
}

export const ProofContext = createContext<Guarded>((run) => run());

export const useProof = () => useContext(ProofContext);
