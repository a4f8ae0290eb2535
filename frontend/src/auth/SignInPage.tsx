import { zodResolver } from '@hookform/resolvers/zod';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { entrance, useSession } from '@/api';
import { Button, Field, Notice } from '@/ui';
import { AuthLayout } from './AuthLayout';
import { MailSent } from './MailSent';
import { OtherWays } from './OtherWays';
import { signIn } from './rules';
import { goOn, troubleOf } from './step';
import { useSubmit } from './submit';

/** Asks for what this server knows to sign in with, and for nothing else. */
export function SignInPage() {
  const { next, trouble } = useSearch({ from: '/sign-in' });
  const methods = useSession().data?.sign_in;
  const [other, setOther] = useState(troubleOf(trouble));
  const [mailedTo, setMailedTo] = useState('');
  const form = useForm({
    resolver: zodResolver(signIn),
    defaultValues: { email: '', password: '' },
  });
  const { errors, isSubmitting } = form.formState;
  const { submit, refused } = useSubmit(form, async (values) => {
    setOther('');
    goOn(await entrance.byPassword(values), next);
  });
  const mail = async () => {
    if (!(await form.trigger('email', { shouldFocus: true }))) return;
    const email = form.getValues('email').trim();
    await entrance.mailLink({ email, next });
    setMailedTo(email);
  };
  if (mailedTo) return <MailSent email={mailedTo} onBack={() => setMailedTo('')} />;
  const said = refused || other;
  return (
    <AuthLayout
      title="Welcome back"
      lead={next ? 'Sign in to go on to what you opened.' : 'Sign in to your library.'}
      foot="No account yet? Ask somebody who has one for an invitation link."
    >
      <form noValidate onSubmit={submit} className="grid gap-5">
        {said && <Notice tone="danger">{said}</Notice>}
        <Field
          label="E-mail"
          type="email"
          autoComplete="username webauthn"
          error={errors.email?.message}
          {...form.register('email')}
        />
        <Field
          label="Password"
          type="password"
          autoComplete="current-password webauthn"
          error={errors.password?.message}
          {...form.register('password')}
        />
        <Button type="submit" tone="primary" busy={isSubmitting} className="mt-1">
          Sign in
        </Button>
      </form>
      {methods && <OtherWays methods={methods} next={next} onTrouble={setOther} onMail={mail} />}
    </AuthLayout>
  );
}
