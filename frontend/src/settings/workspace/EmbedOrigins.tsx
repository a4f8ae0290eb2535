import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { embedOrigins, messageOf, workspaceKeys } from '@/api';
import { Button, Notice, TextArea, toast } from '@/ui';
import { RowsPending } from '../rows';

/** The sites that may show the player in a frame. */
export function EmbedOrigins() {
  const origins = useQuery({
    queryKey: workspaceKeys.origins,
    queryFn: ({ signal }) => embedOrigins.get(signal),
  });
  if (!origins.data) return <RowsPending error={origins.error} />;
  const before = origins.data.origins.join('\n');
  return <Origins key={before} before={before} />;
}

function Origins({ before }: { before: string }) {
  const client = useQueryClient();
  const [text, setText] = useState(before);
  const save = useMutation({
    mutationFn: () => embedOrigins.set(text.split(/[\s,]+/).filter(Boolean)),
    onSuccess: (kept) => {
      client.setQueryData(workspaceKeys.origins, kept);
      toast.success('Sites saved');
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit} noValidate className="grid max-w-md gap-5">
      <TextArea
        label="Sites"
        hint="One a line, like https://wiki.example.org. Elsewhere a video opens on its own page."
        rows={3}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {save.error && <Notice tone="danger">{messageOf(save.error)}</Notice>}
      <Button
        type="submit"
        busy={save.isPending}
        disabled={text === before}
        className="justify-self-start"
      >
        Save sites
      </Button>
    </form>
  );
}
