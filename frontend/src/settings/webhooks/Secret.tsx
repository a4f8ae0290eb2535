import { Secret as Shown } from '../Secret';

type Props = { open: boolean; onOpenChange: (open: boolean) => void; secret: string };

/** Shows what signs messages, this once. */
export function Secret(props: Props) {
  return (
    <Shown
      {...props}
      copied="Secret copied"
      title="The webhook’s secret"
      description="Your receiver checks the signature of each message with it. Copy it now: it is shown only this once."
    />
  );
}
