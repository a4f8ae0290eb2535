import 'sonner/dist/styles.css';
import { Toaster as Sonner, toast } from 'sonner';
import { useTheme } from './theme';

/** Where toasts appear; once per page, near its root. */
export function Toaster() {
  const [theme] = useTheme();
  return (
    <Sonner
      theme={theme}
      position="bottom-center"
      gap={10}
      toastOptions={{
        duration: 5000,
        unstyled: true,
        classNames: {
          toast:
            'flex w-full items-center gap-3 rounded-xl border border-line bg-raised px-4 py-3 text-sm text-ink shadow-float sm:w-92',
          title: 'font-medium',
          description: 'text-muted mt-0.5',
          content: 'grow',
          icon: 'text-muted shrink-0',
          actionButton:
            'shrink-0 rounded-lg px-3 min-h-9 font-medium text-accent-ink hover:bg-accent-soft',
          error: 'text-danger!',
        },
      }}
    />
  );
}

export { toast };
