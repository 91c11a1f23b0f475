import { batchFetch } from "../../batchware/client/batch.js"; void batchFetch;
