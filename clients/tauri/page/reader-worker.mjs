// The reader of the variant `worker`: that of browser-react.
import "../../browser-react/page/reader-worker.mjs";
