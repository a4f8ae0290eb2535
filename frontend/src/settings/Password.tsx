import { zodResolver } from '@hookform/resolvers/zod';
import { useForm } from 'react-hook-form';
import * as z from 'zod/mini';
import { accounts, ApiError, useSecurity, useSession } from '@/api';
import { newPassword, shortestPassword } from '@/auth/rules';
import { useSubmit } from '@/auth/submit';
import { Button, Field, Notice, toast } from '@/ui';

const current = z.string().check(z.minLength(1, 'Please enter the password you have now.'));
const change = z.object({ current_password: current, new_password: newPassword });
const set = z.object({ current_password: z.string(), new_password: newPassword });

export function Password() {
  const email = useSession().data?.account?.email;
  // Whoever came without a password may have none, or have forgotten it.
  const needed = useSecurity().data?.needs_password ?? true;
  const form = useForm({
    resolver: zodResolver(needed ? change : set),
    defaultValues: { current_password: '', new_password: '' },
  });
  const { errors, isSubmitting } = form.formState;
  const { submit, refused } = useSubmit(form, async (values) => {
    try {
      await accounts.changePassword(needed ? values : { new_password: values.new_password });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      form.setError('current_password', { message: 'That is not the password you have now.' });
      return;
    }
    form.reset();
    toast.success(needed ? 'Password changed' : 'Password set', {
      description: 'Other browsers have been signed out.',
    });
  });
  return (
    <form noValidate onSubmit={submit} className="grid max-w-md gap-5">
      {refused && <Notice tone="danger">{refused}</Notice>}
      {/* Tells a password manager whose password this is. */}
      <input type="email" autoComplete="username" value={email ?? ''} readOnly hidden />
      {needed && (
        <Field
          label="Current password"
          type="password"
          autoComplete="current-password"
          error={errors.current_password?.message}
          {...form.register('current_password')}
        />
      )}
      <Field
        label="New password"
        type="password"
        autoComplete="new-password"
        hint={`${shortestPassword} characters or more.`}
        error={errors.new_password?.message}
        {...form.register('new_password')}
      />
      <Button type="submit" busy={isSubmitting} className="justify-self-start">
        {needed ? 'Change password' : 'Set password'}
      </Button>
    </form>
  );
}
