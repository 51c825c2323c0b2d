import { describe, expect, it } from 'vitest';
import { DEFAULT_CONFIG, readConfig } from './page-config';
import { contrast, properties, readableOn } from './theme';

describe("a stack's configuration", () => {
    it.each([undefined, null, 'text', [], {}])('is the default without anything in it: %s', (value) => {
        expect(readConfig(value)).toEqual(DEFAULT_CONFIG);
    });

    it('is read', () => {
        const login = { issuer: 'https://id.example.com', client_id: 'player', token: 'id' };
        const config = readConfig({
            name: 'Showroom',
            logo: 'data:image/svg+xml;base64,AA',
            colours: { accent: '#ff8800' },
            links: [{ label: 'Imprint', url: 'https://example.com/imprint' }],
            regions: [{ label: 'Tokyo', url: 'https://play-jp.example.com/' }],
            region: 'eu-frankfurt-1',
            login,
            embedders: ['https://www.example.com']
        });
        expect(config.name).toBe('Showroom');
        expect(config.login).toEqual({
            issuer: 'https://id.example.com',
            clientId: 'player',
            scope: 'openid',
            audience: null,
            token: 'id'
        });
        expect(config.colours).toEqual({ accent: '#ff8800', ground: null, ink: null });
        expect(config.links).toHaveLength(1);
        expect(config.regions[0]?.label).toBe('Tokyo');
    });

    it('loses what no page may follow', () => {
        const config = readConfig({
            logo: 'javascript:alert(1)',
            colours: { accent: 'red; background: url(x)' },
            links: [{ label: 'x', url: 'javascript:alert(1)' }, { label: 'y' }, 7],
            login: { issuer: 'ftp://x', client_id: 'y' }
        });
        expect(config).toEqual(DEFAULT_CONFIG);
    });
});

describe('colours', () => {
    it('have the contrast of WCAG', () => {
        expect(contrast('#ffffff', '#000000')).toBeCloseTo(21);
        expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
        expect(contrast('#123456', '#123456')).toBe(1);
    });

    it('always leave a readable one for what stands on them', () => {
        for (let step = 0; step < 4096; step += 7) {
            const colour = `#${(step * 4099).toString(16).padStart(6, '0').slice(-6)}`;
            expect(contrast(colour, readableOn(colour))).toBeGreaterThanOrEqual(4.5);
        }
    });

    it('change only what a stack sets', () => {
        expect(properties({ accent: null, ground: null, ink: null })).toEqual({});
        expect(properties({ accent: '#ffff00', ground: '#ffffff', ink: null })).toEqual({
            '--accent': '#ffff00',
            '--on-accent': '#000000',
            '--ground': '#ffffff',
            '--ink': '#000000'
        });
    });
});
