export function RecordPage() { return <p>Record</p>; }
