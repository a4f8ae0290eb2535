import * as z from 'zod/mini';

/** Shortest password the server takes. */
export const shortestPassword = 8;

const filled = (message: string) =>
  z.string().check(z.trim(), z.minLength(1, message), z.maxLength(200, 'That is too long.'));

export const name = filled('Please tell others what to call you.');

export const email = z
  .string()
  .check(z.trim(), z.regex(/^\S+@\S+$/, 'Please give an e-mail address, like ada@example.org.'));

export const newPassword = z
  .string()
  .check(
    z.minLength(
      shortestPassword,
      `At least ${shortestPassword} characters, please. A short sentence works well.`,
    ),
    z.maxLength(1000, 'That is too long.'),
  );

export const signIn = z.object({
  email,
  password: z.string().check(z.minLength(1, 'Please enter your password.')),
});

export const newAccount = z.object({ name, email, password: newPassword });
export type NewAccountForm = z.infer<typeof newAccount>;
