// The browser's storage, which may be switched off: then nothing is remembered, and the page works all the same.

const of = (name) => ({
  read(key) {
    try {
      return window[name].getItem(key);
    } catch {
      return null;
    }
  },
  write(key, value) {
    try {
      window[name].setItem(key, value);
    } catch {
      // not remembered
    }
  },
  remove(key) {
    try {
      window[name].removeItem(key);
    } catch {
      // nothing to remove
    }
  },
});

/** Stays when the browser is closed. */
export const local = of("localStorage");

/** Ends with the tab, and survives a reload. */
export const tab = of("sessionStorage");
