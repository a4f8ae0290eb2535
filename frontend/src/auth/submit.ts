import { type FormEvent, useState } from 'react';
import type { FieldValues, Path, UseFormReturn } from 'react-hook-form';
import { ApiError, messageOf } from '@/api';

/**
 * Submits a form: what the server says about a field stands at that field, any other refusal comes back as a sentence.
 */
export function useSubmit<T extends FieldValues>(
  form: UseFormReturn<T>,
  send: (values: T) => Promise<void>,
) {
  const [refused, setRefused] = useState('');
  const submit = (event: FormEvent) => {
    const run = form.handleSubmit(async (values) => {
      setRefused('');
      try {
        await send(values);
      } catch (error) {
        if (!showAtFields(form, error)) setRefused(messageOf(error));
      }
    });
    event.preventDefault();
    void run(event as FormEvent<HTMLFormElement>);
  };
  return { submit, refused };
}

/** Whether every complaint found its field. */
function showAtFields<T extends FieldValues>(form: UseFormReturn<T>, error: unknown): boolean {
  const fields = error instanceof ApiError ? Object.entries(error.fields) : [];
  const known = fields.filter(([field]) => field in form.getValues());
  for (const [field, message] of known) form.setError(field as Path<T>, { message });
  return fields.length > 0 && known.length === fields.length;
}
