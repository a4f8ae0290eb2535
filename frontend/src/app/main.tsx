import '@/ui/styles.css';
import { createRoot } from 'react-dom/client';

createRoot(document.getElementById('root')!).render(<p>Meanwhile</p>);
