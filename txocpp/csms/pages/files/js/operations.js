export function operationsPage({ main }) { return { title: 'operations' }; }
