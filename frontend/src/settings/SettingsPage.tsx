import { useSession } from '@/api';
import { useTitle } from '@/app/title';
import { Appearance } from './Appearance';
import { Password } from './Password';
import { Profile } from './Profile';
import { Section } from './Section';
import { Data } from './security/Data';
import { Security } from './security/Security';
import { Tokens } from './Tokens';
import { WorkspaceSettings } from './workspace/WorkspaceSettings';

const sections = [
  { id: 'profile', title: 'Profile', hint: 'How others see you.', body: <Profile /> },
  {
    id: 'password',
    title: 'Password',
    hint: 'Changing it signs you out everywhere else.',
    body: <Password />,
  },
  {
    id: 'security',
    title: 'Security',
    hint: 'Who can get into your account, and where it is open.',
    body: <Security />,
  },
  {
    id: 'appearance',
    title: 'Appearance',
    hint: 'Kept in this browser.',
    body: <Appearance />,
  },
  {
    id: 'tokens',
    title: 'API tokens',
    hint: 'For scripts and other programs that act as you.',
    body: <Tokens />,
  },
  {
    id: 'data',
    title: 'Your data',
    hint: 'It is yours: take it along, or away.',
    body: <Data />,
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
        <WorkspaceSettings />
      </div>
      {version && <p className="mt-8 text-sm text-muted">Meanwhile {version}</p>}
    </div>
  );
}
