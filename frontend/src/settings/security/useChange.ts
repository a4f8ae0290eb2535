import { useMutation, useQueryClient } from '@tanstack/react-query';
import { messageOf, securityKey } from '@/api';
import { toast } from '@/ui';
import { NotProved, useProof } from './proof';

/** A change of how one signs in: asks for proof if needed, says how it went, and reads everything anew. */
export function useChange<A, R>(change: (input: A) => Promise<R>, said?: string) {
  const client = useQueryClient();
  const proof = useProof();
  return useMutation({
    mutationFn: (input: A) => proof(() => change(input)),
    onSuccess: () => {
      if (said) toast.success(said);
    },
    onError: (error) => {
      if (!(error instanceof NotProved)) toast.error(messageOf(error));
    },
    onSettled: () => void client.invalidateQueries({ queryKey: securityKey }),
  });
}
