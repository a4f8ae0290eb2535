import { useMyWorkspace } from '@/api';
import { Section } from '../Section';
import { Webhooks } from '../webhooks/Webhooks';
import { AuditLog } from './AuditLog';
import { EmbedOrigins } from './EmbedOrigins';
import { General } from './General';
import { Members } from './Members';
import { Storage } from './Storage';

/** What belongs to the workspace one works in, as far as one may see it. */
export function WorkspaceSettings() {
  const { id, isAdmin, known } = useMyWorkspace();
  if (!known) return null;
  return (
    <>
      <Section
        id="workspace"
        title="Workspace"
        hint="A library that a group of people shares."
        body={<General />}
      />
      {id && (
        <Section
          id="people"
          title="People"
          hint="Who belongs to the workspace, and what they may do there."
          body={<Members />}
        />
      )}
      {id && (
        <Section
          id="storage"
          title="Storage and retention"
          hint="What the videos hold, how much they may, and for how long they stay."
          body={<Storage />}
        />
      )}
      {isAdmin && (
        <Section
          id="embed"
          title="Embedding"
          hint="Sites whose pages may show this workspace’s videos in a frame."
          body={<EmbedOrigins />}
        />
      )}
      {isAdmin && (
        <Section
          id="webhooks"
          title="Webhooks"
          hint="Programs of yours that are told what happens in the workspace, save to videos that it may not see."
          body={<Webhooks />}
        />
      )}
      {isAdmin && (
        <Section
          id="audit"
          title="Audit log"
          hint="Who saw, changed, shared and downloaded what. It is kept for 400 days; admins see it."
          body={<AuditLog />}
        />
      )}
    </>
  );
}
