import type { ReactNode } from 'react';
import { useSession } from '@/api';
import { useTitle } from '@/app/title';
import { Appearance } from './Appearance';
import { Password } from './Password';
import { People } from './People';
import { Profile } from './Profile';
import { Tokens } from './Tokens';

const sections = [
  { id: 'profile', title: 'Profile', hint: 'How others see you.', body: <Profile /> },
  {
    id: 'password',
    title: 'Password',
    hint: 'Changing it signs you out everywhere else.',
    body: <Password />,
  },
  {
    id: 'appearance',
    title: 'Appearance',
    hint: 'Kept in this browser.',
    body: <Appearance />,
  },
  {
    id: 'people',
    title: 'People',
    hint: 'An invitation link lets one person make an account on this server.',
    body: <People />,
  },
  {
    id: 'tokens',
    title: 'API tokens',
    hint: 'For scripts and other programs that act as you.',
    body: <Tokens />,
  },
];

export function SettingsPage() {
  useTitle('Settings');
  const version = useSession().data?.version;
  return (
    <div className="mx-auto max-w-5xl px-4 pt-7 pb-24 sm:px-6 sm:pt-10">
      <h1 className="text-2xl font-semibold">Settings</h1>
      <div className="mt-8 divide-y divide-line border-t border-line">
        {sections.map((section) => (
          <Section key={section.id} {...section} />
        ))}
      </div>
      {version && <p className="mt-8 text-sm text-muted">Meanwhile {version}</p>}
    </div>
  );
}

type SectionProps = { id: string; title: string; hint: string; body: ReactNode };

function Section({ id, title, hint, body }: SectionProps) {
  return (
    <section
      id={id}
      aria-labelledby={`${id}-title`}
      className="grid scroll-mt-20 gap-x-12 gap-y-5 py-9 md:grid-cols-[15rem_1fr]"
    >
      <div>
        <h2 id={`${id}-title`} className="font-semibold">
          {title}
        </h2>
        <p className="mt-1 text-sm text-pretty text-muted">{hint}</p>
      </div>
      <div className="min-w-0">{body}</div>
    </section>
  );
}
