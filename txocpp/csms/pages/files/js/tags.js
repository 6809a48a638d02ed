export function tagsPage({ main }) { return { title: 'tags' }; }
