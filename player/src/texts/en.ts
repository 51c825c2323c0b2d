/** The page in English. Every other language has the same entries. */

function minutes(seconds: number): string {
    const whole = Math.max(1, Math.round(seconds / 60));
    return whole === 1 ? '1 minute' : `${String(whole)} minutes`;
}

export const en = {
    name: 'English',

    connecting: { title: 'Connecting', detail: '' },
    idle: { title: 'Ready when you are', detail: 'The stream starts when you press the button.' },
    queued: {
        title: (position: number): string =>
            position <= 1 ? 'You are next' : `You are number ${String(position)} in the queue`,
        wait: (seconds: number): string =>
            seconds < 50 ? 'Less than a minute to go.' : `About ${minutes(seconds)} to go.`,
        unknown: 'Your place is kept, also if your connection drops for a moment.',
        label: 'Place in the queue'
    },
    starting: {
        title: 'Starting your session',
        instance: 'An instance is being made ready.',
        offer: 'Your instance is ready. Connecting picture and sound.',
        media: 'Connected. The first picture is on its way.',
        label: 'Progress of the start'
    },
    blocked: { title: 'Ready to play', detail: 'Your browser starts the stream only after a click or a key.' },
    playing: { title: 'The stream is playing', detail: '' },

    ended: {
        idle: {
            title: 'Your session has ended',
            detail: 'Nobody was active for a while, so the place was given back.'
        },
        time_limit: { title: 'Your time is up', detail: 'The longest time for one session is over.' },
        maintenance: {
            title: 'Your session has ended',
            detail: 'The server that it ran on is going into maintenance. You can start again at once.'
        },
        terminated: { title: 'Your session was ended', detail: 'Whoever runs this service has ended it.' },
        left: { title: 'The session is over', detail: 'Whoever started it has left.' },
        instance_failed: {
            title: 'The application has stopped',
            detail: 'It came to an end unexpectedly. This is not your fault, and you can start a new session.'
        },
        taken_over: {
            title: 'The stream goes on elsewhere',
            detail: 'Your session was opened in another window or on another device.'
        },
        other: { title: 'Your session has ended', detail: '' }
    },
    failed: {
        login_required: { title: 'Please log in', detail: 'This application is only for people who are logged in.' },
        login_refused: {
            title: 'Your login was not accepted',
            detail: 'It may have expired. Log in again, or ask for a new link.'
        },
        forbidden: {
            title: 'You may not use this application',
            detail: 'Your login is fine, but it does not cover this application. Ask whoever gave you the link.'
        },
        unknown_application: {
            title: 'There is no such application',
            detail: 'The link may be mistyped or out of date.'
        },
        paused: {
            title: 'Closed for the moment',
            detail: 'Whoever runs this service has paused it. Please come back later.'
        },
        full: { title: 'All places are taken', detail: 'Please try again in a few minutes.' },
        queue_full: {
            title: 'The queue is full',
            detail: 'Many people want in right now. Please try again in a few minutes.'
        },
        too_many: { title: 'You have a session already', detail: 'End the other one first, then try again.' },
        rate_limited: { title: 'Too many attempts', detail: 'Please wait a minute, then try again.' },
        session_over: { title: 'Your session is over', detail: 'It ended while you were away.' },
        no_instance: {
            title: 'The application does not start',
            detail: 'Several attempts have failed. Please try again in a few minutes.'
        },
        instance_failed: {
            title: 'The application has stopped',
            detail: 'It came to an end before the stream began. Please try again.'
        },
        other: { title: 'The stream could not be started', detail: 'Please try again in a moment.' }
    },
    unreachable: { title: 'The service does not answer', detail: 'Check your network connection, then try again.' },
    lostForGood: { title: 'The connection was lost', detail: 'Your session could not be kept any longer.' },
    refused: {
        title: 'The service has closed the connection',
        detail: 'It may be full or restarting. Please try again in a moment.'
    },
    mediaBlocked: {
        title: 'Picture and sound cannot get through',
        detail: 'A firewall may block them. Try another network, or ask whoever runs this service.'
    },
    mediaLost: {
        title: 'The picture was lost',
        detail: 'The way for picture and sound broke off and could not be mended.'
    },
    left: { title: 'You have left', detail: 'Thank you for your visit.' },
    redirect: {
        title: 'There is room elsewhere',
        detail: 'Another region has a place for you.',
        named: (host: string): string => `Continue at ${host}`
    },

    actions: {
        connect: 'Start',
        play: 'Play',
        again: 'Start again',
        retry: 'Try again',
        login: 'Log in',
        leaveQueue: 'Leave the queue',
        stay: "I'm still here",
        close: 'Close',
        send: 'Send',
        cancel: 'Cancel'
    },
    regions: 'Or try another region:',

    warnings: {
        idle: {
            title: 'Are you still there?',
            detail: (time: string): string => `Without any input the session ends in ${time}.`
        },
        time_limit: {
            title: 'Your time is almost up',
            detail: (time: string): string => `The session ends in ${time}.`
        },
        maintenance: {
            title: 'Maintenance',
            detail: (time: string): string => `The session ends in ${time}. You can start a new one afterwards.`
        },
        terminated: { title: 'The session is being ended', detail: (time: string): string => `It ends in ${time}.` },
        other: { title: 'The session is about to end', detail: (time: string): string => `It ends in ${time}.` }
    },
    reconnecting: 'Connection lost. Reconnecting…',
    reconnected: 'Connected again.',
    mending: 'Connecting picture and sound anew…',

    toolbar: {
        label: 'Stream controls',
        soundOn: 'Turn sound on',
        soundOff: 'Turn sound off',
        fullscreen: 'Full screen',
        exitFullscreen: 'Leave full screen',
        keyboard: 'Type text',
        statistics: 'Statistics',
        people: 'People',
        settings: 'Settings',
        leave: 'Leave',
        leaveQuestion: 'Leave the session?',
        hint: 'Esc frees the keyboard'
    },
    stage: {
        label: 'Stream. Keys and clicks go to the application. Esc leads to the controls.',
        watching: 'Stream. You are watching.',
        released: 'The keyboard is free. Press Esc or click the picture to go back to the stream.'
    },

    people: {
        title: 'People',
        you: 'You',
        guest: (number: number): string => `Guest ${String(number)}`,
        owner: 'in control',
        spectator: 'watching',
        nobody: 'Nobody else is here.',
        invite: 'Invite somebody to watch',
        link: 'Invitation link',
        linkUse: (time: string): string => `Whoever opens it sees what you see. It works for ${time}.`,
        copy: 'Copy link',
        copied: 'Copied',
        share: 'Share link',
        handOver: 'Give control',
        handOverTo: (name: string): string => `Give control to ${name}`,
        watching: 'You are watching. Only one person is in control.',
        ask: 'Ask for control',
        asked: 'You have asked for control.',
        asks: (name: string): string => `${name} asks for control.`,
        notNow: 'Not now',
        watchers: (count: number): string =>
            count === 1 ? '1 person is watching' : `${String(count)} people are watching`
    },

    textInput: {
        title: 'Type text',
        label: 'Text for the application',
        live: 'What you type here goes to the application letter by letter.',
        asked: 'The application asks for text.'
    },

    settings: {
        title: 'Settings',
        quality: 'Picture',
        matchResolution: 'Fit the picture to the window',
        matchResolutionHint: 'The application draws in the size of your window.',
        sharp: 'Use every pixel of the screen',
        bitrate: 'Data rate, at most',
        frameRate: 'Frames per second, at most',
        automatic: 'Automatic',
        megabits: (number: number): string => `${String(number)} Mbit/s`,
        notInControl: 'Only the person in control sets the picture.',
        sound: 'Sound',
        soundOn: 'Sound on',
        volume: 'Volume',
        microphone: 'Send my microphone',
        microphoneHint: 'The application hears you. The stream starts anew for it.',
        microphoneInsecure: 'Needs a secure connection (https).',
        control: 'Control',
        mouse: 'Mouse',
        mouseAutomatic: 'As the application wants',
        mouseHovering: 'Pointer stays visible',
        mouseLocked: 'Pointer is caught by the picture',
        touch: 'Touch',
        touchFingers: 'Fingers',
        touchMouse: 'One finger acts as the mouse',
        keyboard: 'Send keys to the application',
        escape: 'Send Esc to the application too',
        gamepad: 'Send gamepads to the application',
        gamepadFound: (name: string): string => `Connected: ${name}`,
        gamepadNone: 'None found. Press a button on it.',
        page: 'This page',
        language: 'Language',
        languageAutomatic: 'As the browser has it',
        homeScreen: 'For full screen on this device, add this page to the home screen.',
        logOut: 'Log out'
    },

    statistics: {
        title: 'Statistics',
        resolution: 'Picture',
        frames: 'Frames per second',
        bitrate: 'Data rate',
        delay: 'Round trip',
        jitter: 'Jitter',
        loss: 'Lost packets',
        freezes: 'Freezes',
        way: 'Way',
        direct: 'direct',
        relay: 'through a relay',
        region: 'Region',
        firstFrame: 'First picture after',
        verdict: {
            good: 'The connection is good.',
            fair: 'The connection is fair.',
            poor: 'The connection is poor.'
        },
        unknown: '–'
    },

    orientation: 'Turn your device for a larger picture.',
    dismiss: 'Dismiss',
    gamepadConnected: (name: string): string => `Gamepad connected: ${name}`,
    soundHint: 'Sound is off. Turn it on?',
    loginBusy: 'Logging in',
    loginFailed: 'The login did not work',
    noWebRtc: 'This browser cannot show the stream: it has no WebRTC.',

    minutes,
    seconds: (count: number): string => (count === 1 ? '1 second' : `${String(count)} seconds`)
};

export type Texts = typeof en;
