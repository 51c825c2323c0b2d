/** The page in German. */
import type { Texts } from './en';

function minutes(seconds: number): string {
    const whole = Math.max(1, Math.round(seconds / 60));
    return whole === 1 ? '1 Minute' : `${String(whole)} Minuten`;
}

export const de: Texts = {
    name: 'Deutsch',

    connecting: { title: 'Verbinde', detail: '' },
    idle: { title: 'Bereit, wenn Sie es sind', detail: 'Der Stream beginnt mit einem Druck auf die Schaltfläche.' },
    queued: {
        title: (position) =>
            position <= 1 ? 'Sie sind als Nächstes dran' : `Sie sind Nummer ${String(position)} in der Warteschlange`,
        wait: (seconds) => (seconds < 50 ? 'Noch weniger als eine Minute.' : `Noch etwa ${minutes(seconds)}.`),
        unknown: 'Ihr Platz bleibt Ihnen, auch wenn die Verbindung kurz abreißt.',
        label: 'Platz in der Warteschlange'
    },
    starting: {
        title: 'Ihre Sitzung startet',
        instance: 'Eine Instanz wird vorbereitet.',
        offer: 'Ihre Instanz ist bereit. Bild und Ton werden verbunden.',
        media: 'Verbunden. Das erste Bild ist unterwegs.',
        label: 'Fortschritt des Starts'
    },
    blocked: { title: 'Bereit', detail: 'Ihr Browser beginnt erst nach einem Klick oder Tastendruck.' },
    playing: { title: 'Der Stream läuft', detail: '' },

    ended: {
        idle: {
            title: 'Ihre Sitzung ist beendet',
            detail: 'Eine Weile war niemand aktiv, darum wurde der Platz freigegeben.'
        },
        time_limit: { title: 'Ihre Zeit ist um', detail: 'Die längste Dauer einer Sitzung ist erreicht.' },
        maintenance: {
            title: 'Ihre Sitzung ist beendet',
            detail: 'Der Server wird gewartet. Sie können sofort neu beginnen.'
        },
        terminated: { title: 'Ihre Sitzung wurde beendet', detail: 'Der Betreiber dieses Dienstes hat sie beendet.' },
        left: { title: 'Die Sitzung ist vorbei', detail: 'Wer sie begonnen hat, ist gegangen.' },
        instance_failed: {
            title: 'Die Anwendung ist abgebrochen',
            detail: 'Sie endete unerwartet. Das liegt nicht an Ihnen; Sie können neu beginnen.'
        },
        taken_over: {
            title: 'Der Stream läuft anderswo weiter',
            detail: 'Ihre Sitzung wurde in einem anderen Fenster oder Gerät geöffnet.'
        },
        other: { title: 'Ihre Sitzung ist beendet', detail: '' }
    },
    failed: {
        login_required: {
            title: 'Bitte melden Sie sich an',
            detail: 'Diese Anwendung ist nur für angemeldete Personen.'
        },
        login_refused: {
            title: 'Ihre Anmeldung wurde nicht angenommen',
            detail: 'Sie ist vielleicht abgelaufen. Melden Sie sich neu an, oder bitten Sie um einen neuen Link.'
        },
        forbidden: {
            title: 'Sie dürfen diese Anwendung nicht nutzen',
            detail: 'Ihre Anmeldung gilt, aber nicht für diese Anwendung. Fragen Sie, wer Ihnen den Link gab.'
        },
        unknown_application: {
            title: 'Diese Anwendung gibt es nicht',
            detail: 'Der Link ist vielleicht falsch oder veraltet.'
        },
        paused: {
            title: 'Zurzeit geschlossen',
            detail: 'Der Betreiber hat den Dienst angehalten. Bitte kommen Sie später wieder.'
        },
        full: { title: 'Alle Plätze sind belegt', detail: 'Bitte versuchen Sie es in ein paar Minuten wieder.' },
        queue_full: {
            title: 'Die Warteschlange ist voll',
            detail: 'Gerade möchten viele hinein. Bitte versuchen Sie es in ein paar Minuten wieder.'
        },
        too_many: { title: 'Sie haben schon eine Sitzung', detail: 'Beenden Sie zuerst die andere.' },
        rate_limited: { title: 'Zu viele Versuche', detail: 'Bitte warten Sie eine Minute.' },
        session_over: { title: 'Ihre Sitzung ist vorbei', detail: 'Sie endete, während Sie fort waren.' },
        no_instance: {
            title: 'Die Anwendung startet nicht',
            detail: 'Mehrere Versuche sind gescheitert. Bitte versuchen Sie es in ein paar Minuten wieder.'
        },
        instance_failed: {
            title: 'Die Anwendung ist abgebrochen',
            detail: 'Sie endete, bevor der Stream begann. Bitte versuchen Sie es noch einmal.'
        },
        other: { title: 'Der Stream konnte nicht starten', detail: 'Bitte versuchen Sie es gleich noch einmal.' }
    },
    unreachable: {
        title: 'Der Dienst antwortet nicht',
        detail: 'Prüfen Sie Ihre Netzverbindung und versuchen Sie es noch einmal.'
    },
    lostForGood: {
        title: 'Die Verbindung ist abgerissen',
        detail: 'Ihre Sitzung konnte nicht länger gehalten werden.'
    },
    refused: {
        title: 'Der Dienst hat die Verbindung beendet',
        detail: 'Er ist vielleicht voll oder startet neu. Bitte versuchen Sie es gleich noch einmal.'
    },
    mediaBlocked: {
        title: 'Bild und Ton kommen nicht durch',
        detail: 'Vielleicht sperrt sie eine Firewall. Versuchen Sie ein anderes Netz, oder fragen Sie den Betreiber.'
    },
    mediaLost: {
        title: 'Das Bild ist abgerissen',
        detail: 'Der Weg für Bild und Ton ließ sich nicht wiederherstellen.'
    },
    left: { title: 'Sie haben die Sitzung verlassen', detail: 'Danke für Ihren Besuch.' },
    redirect: {
        title: 'Anderswo ist Platz',
        detail: 'Eine andere Region hat einen Platz für Sie.',
        named: (host) => `Weiter auf ${host}`
    },

    actions: {
        connect: 'Starten',
        play: 'Abspielen',
        again: 'Neu beginnen',
        retry: 'Noch einmal versuchen',
        login: 'Anmelden',
        leaveQueue: 'Warteschlange verlassen',
        stay: 'Ich bin noch da',
        close: 'Schließen',
        send: 'Senden',
        cancel: 'Abbrechen'
    },
    regions: 'Oder versuchen Sie eine andere Region:',

    warnings: {
        idle: { title: 'Sind Sie noch da?', detail: (time) => `Ohne Eingabe endet die Sitzung in ${time}.` },
        time_limit: { title: 'Ihre Zeit ist fast um', detail: (time) => `Die Sitzung endet in ${time}.` },
        maintenance: {
            title: 'Wartung',
            detail: (time) => `Die Sitzung endet in ${time}. Danach können Sie neu beginnen.`
        },
        terminated: { title: 'Die Sitzung wird beendet', detail: (time) => `Sie endet in ${time}.` },
        other: { title: 'Die Sitzung endet gleich', detail: (time) => `Sie endet in ${time}.` }
    },
    reconnecting: 'Verbindung abgerissen. Verbinde neu…',
    reconnected: 'Wieder verbunden.',
    mending: 'Bild und Ton werden neu verbunden…',

    toolbar: {
        label: 'Bedienung des Streams',
        soundOn: 'Ton einschalten',
        soundOff: 'Ton ausschalten',
        fullscreen: 'Vollbild',
        exitFullscreen: 'Vollbild verlassen',
        keyboard: 'Text eingeben',
        statistics: 'Statistik',
        people: 'Personen',
        settings: 'Einstellungen',
        leave: 'Verlassen',
        leaveQuestion: 'Sitzung verlassen?',
        hint: 'Esc gibt die Tastatur frei'
    },
    stage: {
        label: 'Stream. Tasten und Klicks gehen an die Anwendung. Esc führt zur Bedienung.',
        watching: 'Stream. Sie sehen zu.',
        released: 'Die Tastatur ist frei. Esc oder ein Klick ins Bild führt zurück zum Stream.'
    },

    people: {
        title: 'Personen',
        you: 'Sie',
        guest: (number) => `Gast ${String(number)}`,
        owner: 'steuert',
        spectator: 'sieht zu',
        nobody: 'Sonst ist niemand hier.',
        invite: 'Jemanden zum Zusehen einladen',
        link: 'Einladungslink',
        linkUse: (time) => `Wer ihn öffnet, sieht, was Sie sehen. Er gilt ${time}.`,
        copy: 'Link kopieren',
        copied: 'Kopiert',
        share: 'Link teilen',
        handOver: 'Steuerung geben',
        handOverTo: (name) => `${name} die Steuerung geben`,
        watching: 'Sie sehen zu. Nur eine Person steuert.',
        ask: 'Um Steuerung bitten',
        asked: 'Sie haben um die Steuerung gebeten.',
        asks: (name) => `${name} bittet um die Steuerung.`,
        notNow: 'Jetzt nicht',
        watchers: (count) => (count === 1 ? '1 Person sieht zu' : `${String(count)} Personen sehen zu`)
    },

    textInput: {
        title: 'Text eingeben',
        label: 'Text für die Anwendung',
        live: 'Was Sie hier tippen, geht Zeichen für Zeichen an die Anwendung.',
        asked: 'Die Anwendung bittet um Text.'
    },

    settings: {
        title: 'Einstellungen',
        quality: 'Bild',
        matchResolution: 'Bild dem Fenster anpassen',
        matchResolutionHint: 'Die Anwendung zeichnet in der Größe Ihres Fensters.',
        sharp: 'Jeden Bildpunkt des Bildschirms nutzen',
        bitrate: 'Datenrate, höchstens',
        frameRate: 'Bilder je Sekunde, höchstens',
        automatic: 'Automatisch',
        megabits: (number) => `${String(number)} Mbit/s`,
        notInControl: 'Nur wer steuert, stellt das Bild ein.',
        sound: 'Ton',
        soundOn: 'Ton an',
        volume: 'Lautstärke',
        microphone: 'Mein Mikrofon senden',
        microphoneHint: 'Die Anwendung hört Sie. Der Stream beginnt dafür neu.',
        microphoneInsecure: 'Braucht eine sichere Verbindung (https).',
        control: 'Steuerung',
        mouse: 'Maus',
        mouseAutomatic: 'Wie die Anwendung es will',
        mouseHovering: 'Zeiger bleibt sichtbar',
        mouseLocked: 'Zeiger wird vom Bild gefangen',
        touch: 'Berührung',
        touchFingers: 'Finger',
        touchMouse: 'Ein Finger wirkt als Maus',
        keyboard: 'Tasten an die Anwendung senden',
        escape: 'Auch Esc an die Anwendung senden',
        gamepad: 'Gamepads an die Anwendung senden',
        gamepadFound: (name) => `Verbunden: ${name}`,
        gamepadNone: 'Keines gefunden. Drücken Sie eine Taste darauf.',
        page: 'Diese Seite',
        language: 'Sprache',
        languageAutomatic: 'Wie im Browser',
        homeScreen: 'Für Vollbild auf diesem Gerät legen Sie die Seite auf den Home-Bildschirm.',
        logOut: 'Abmelden'
    },

    statistics: {
        title: 'Statistik',
        resolution: 'Bild',
        frames: 'Bilder je Sekunde',
        bitrate: 'Datenrate',
        delay: 'Hin und zurück',
        jitter: 'Schwankung',
        loss: 'Verlorene Pakete',
        freezes: 'Stillstände',
        way: 'Weg',
        direct: 'direkt',
        relay: 'über ein Relais',
        region: 'Region',
        firstFrame: 'Erstes Bild nach',
        verdict: {
            good: 'Die Verbindung ist gut.',
            fair: 'Die Verbindung ist mäßig.',
            poor: 'Die Verbindung ist schlecht.'
        },
        unknown: '–'
    },

    orientation: 'Drehen Sie das Gerät für ein größeres Bild.',
    dismiss: 'Ausblenden',
    gamepadConnected: (name) => `Gamepad verbunden: ${name}`,
    soundHint: 'Der Ton ist aus. Einschalten?',
    loginBusy: 'Anmeldung läuft',
    loginFailed: 'Die Anmeldung hat nicht geklappt',
    noWebRtc: 'Dieser Browser kann den Stream nicht zeigen: ihm fehlt WebRTC.',

    minutes,
    seconds: (count) => (count === 1 ? '1 Sekunde' : `${String(count)} Sekunden`)
};
