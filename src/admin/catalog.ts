import { entriesOf, loadProvider, type Provider, providerNames } from '../catalog/catalog.ts';
import { didYouMean } from '../diagnostics/did-you-mean.ts';
import { AdminRefusal, json } from './answer.ts';
import type { Route } from './route.ts';

/** Routes of the errors that providers document. */
export const CATALOG_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/catalog',
    handle: () => json({ providers: providerNames().map(loadProvider).map(summary) }),
  },
  {
    method: 'GET',
    path: '/catalog/{provider}',
    handle({ params: [name = ''] }) {
      const provider = providerOf(name);
      return json({ name, title: provider.title, entries: provider.entries });
    },
  },
  {
    method: 'GET',
    path: '/catalog/{provider}/{code}',
    handle({ params: [name = '', code = ''] }) {
      const provider = providerOf(name);
      const entries = entriesOf(provider, code);
      if (entries.length > 0) return json({ name, title: provider.title, entries });
      const codes = [...new Set(provider.entries.map((entry) => entry.code))];
      throw new AdminRefusal(404, `${name} documents no code "${code}"${didYouMean(code, codes)}`);
    },
  },
];

function summary({ name, title, entries }: Provider): Record<string, unknown> {
  return { name, title, entries: entries.length };
}

function providerOf(name: string): Provider {
  const names = providerNames();
  if (names.includes(name)) return loadProvider(name);
  throw new AdminRefusal(404, `there is no catalog of "${name}"${didYouMean(name, names)}`);
}
