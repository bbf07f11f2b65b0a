// The page of this client.
import { start_page } from "./start.jsx";

start_page(new URLSearchParams(location.search).get("variant") ?? "");
