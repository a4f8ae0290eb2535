import { zodResolver } from '@hookform/resolvers/zod';
import { useSearch } from '@tanstack/react-router';
import { useForm } from 'react-hook-form';
import { session } from '@/api';
import { Button, Field, Notice } from '@/ui';
import { AuthLayout } from './AuthLayout';
import { enter } from './enter';
import { signIn } from './rules';
import { useSubmit } from './submit';

export function SignInPage() {
  const { next } = useSearch({ from: '/sign-in' });
  const form = useForm({
    resolver: zodResolver(signIn),
    defaultValues: { email: '', password: '' },
  });
  const { errors, isSubmitting } = form.formState;
  const { submit, refused } = useSubmit(form, async (values) => {
    await session.signIn(values);
    enter(next ?? '/');
  });
  return (
    <AuthLayout
      title="Welcome back"
      lead={next ? 'Sign in to go on to what you opened.' : 'Sign in to your library.'}
      foot="No account yet? Ask somebody who has one for an invitation link."
    >
      <form noValidate onSubmit={submit} className="grid gap-5">
        {refused && <Notice tone="danger">{refused}</Notice>}
        <Field
          label="E-mail"
          type="email"
          autoComplete="username"
          error={errors.email?.message}
          {...form.register('email')}
        />
        <Field
          label="Password"
          type="password"
          autoComplete="current-password"
          error={errors.password?.message}
          {...form.register('password')}
        />
        <Button type="submit" tone="primary" busy={isSubmitting} className="mt-1">
          Sign in
        </Button>
      </form>
    </AuthLayout>
  );
}
