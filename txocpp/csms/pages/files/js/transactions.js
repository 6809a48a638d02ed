export function transactionsPage({ main }) { return { title: 'transactions' }; }
