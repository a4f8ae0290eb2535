import { zodResolver } from '@hookform/resolvers/zod';
import { useForm } from 'react-hook-form';
import { Button, Field, Notice } from '@/ui';
import { enter } from './enter';
import { type NewAccountForm, newAccount, shortestPassword } from './rules';
import { useSubmit } from './submit';

type Props = {
  verb: string;
  /** An e-mail address that is given with the invitation. */
  email?: string | null;
  create: (form: NewAccountForm) => Promise<unknown>;
};

/** Name, e-mail, password: how an account begins, the first as well as every invited one. */
export function AccountForm({ verb, email, create }: Props) {
  const form = useForm<NewAccountForm>({
    resolver: zodResolver(newAccount),
    defaultValues: { name: '', email: email ?? '', password: '' },
  });
  const { errors, isSubmitting } = form.formState;
  const { submit, refused } = useSubmit(form, async (values) => {
    await create(values);
    enter('/');
  });
  return (
    <form noValidate onSubmit={submit} className="grid gap-5">
      {refused && <Notice tone="danger">{refused}</Notice>}
      <Field
        label="Your name"
        autoComplete="name"
        error={errors.name?.message}
        {...form.register('name')}
      />
      <Field
        label="E-mail"
        type="email"
        autoComplete="username"
        readOnly={Boolean(email)}
        error={errors.email?.message}
        {...form.register('email')}
      />
      <Field
        label="Password"
        type="password"
        autoComplete="new-password"
        hint={`${shortestPassword} characters or more.`}
        error={errors.password?.message}
        {...form.register('password')}
      />
      <Button type="submit" tone="primary" busy={isSubmitting} className="mt-1">
        {verb}
      </Button>
    </form>
  );
}
