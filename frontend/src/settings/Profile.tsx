import { zodResolver } from '@hookform/resolvers/zod';
import { useQueryClient } from '@tanstack/react-query';
import { useForm } from 'react-hook-form';
import * as z from 'zod/mini';
import { accounts, keys, type Session, useSession } from '@/api';
import { name } from '@/auth/rules';
import { useSubmit } from '@/auth/submit';
import { Avatar, Button, Field, Notice, toast } from '@/ui';
import { Unverified } from './Unverified';

export function Profile() {
  const account = useSession().data?.account;
  const client = useQueryClient();
  const form = useForm({
    resolver: zodResolver(z.object({ name })),
    values: { name: account?.name ?? '' },
  });
  const { errors, isSubmitting, isDirty } = form.formState;
  const { submit, refused } = useSubmit(form, async (values) => {
    const changed = await accounts.rename(values.name);
    client.setQueryData<Session>(keys.session, (old) => old && { ...old, account: changed });
    void client.invalidateQueries({ queryKey: keys.videos });
    toast.success('Name saved');
  });
  if (!account) return null;
  return (
    <form noValidate onSubmit={submit} className="grid max-w-md gap-5">
      {refused && <Notice tone="danger">{refused}</Notice>}
      <Unverified />
      <div className="flex items-center gap-4">
        <Avatar name={account.name} id={account.id} size="lg" />
        <div className="min-w-0">
          <p className="truncate font-medium">{account.name}</p>
          <p className="truncate text-sm text-muted">{account.email}</p>
        </div>
      </div>
      <Field
        label="Your name"
        autoComplete="name"
        error={errors.name?.message}
        {...form.register('name')}
      />
      <Button type="submit" busy={isSubmitting} disabled={!isDirty} className="justify-self-start">
        Save name
      </Button>
    </form>
  );
}
