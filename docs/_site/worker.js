// Browsers start no worker on a page from disk. There, its script runs in a hidden frame, so that the search works.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      const inside = frame.contentWindow
      const load = (source) =>
        new Promise((loaded, failed) => {
          const script = inside.document.createElement("script")
          script.onload = loaded
          script.onerror = failed
          script.src = source
          inside.document.body.append(script)
        })
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
      inside.importScripts = (...sources) => sources.reduce((before, each) => before.then(() => load(each)), Promise.resolve())
      this.ready = load(url)
      this.send = (data) => inside.dispatchEvent(new inside.MessageEvent("message", { data }))
      this.terminate = () => frame.remove()
    }
    postMessage(data) {
      this.ready.then(() => this.send(data))
    }
  }
}
