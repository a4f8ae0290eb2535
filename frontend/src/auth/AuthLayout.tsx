import type { ReactNode } from 'react';
import { useTitle } from '@/app/title';
import { Logo } from '@/ui';

type Props = { title: string; lead?: ReactNode; children: ReactNode; foot?: ReactNode };

/** The calm page around a single form. */
export function AuthLayout({ title, lead, children, foot }: Props) {
  useTitle(title);
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-md flex-col px-5 py-8 sm:py-14">
      <Logo />
      <div className="my-auto py-10">
        <h1 className="text-2xl font-semibold sm:text-[1.75rem]">{title}</h1>
        {lead && <div className="mt-2 text-pretty text-muted">{lead}</div>}
        <div className="mt-8">{children}</div>
      </div>
      {foot && <div className="text-sm text-muted">{foot}</div>}
    </main>
  );
}
