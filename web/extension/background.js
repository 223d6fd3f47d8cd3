/**
 * The service worker. It dies when idle and is started again by the next event, so every listener is registered here,
 * synchronously, and nothing that must last is kept in a variable.
 */

import { carryOut, canceled, create, get, isUvpaa } from "./proxy.js";
import { answerPage, answerPopup } from "./answers.js";

chrome.webAuthenticationProxy.onCreateRequest.addListener(create);
chrome.webAuthenticationProxy.onGetRequest.addListener(get);
chrome.webAuthenticationProxy.onIsUvpaaRequest.addListener(isUvpaa);
chrome.webAuthenticationProxy.onRequestCanceled.addListener(canceled);

chrome.runtime.onInstalled.addListener(carryOut);
chrome.runtime.onStartup.addListener(carryOut);
chrome.runtime.onMessage.addListener(answerPopup);
chrome.runtime.onMessage.addListener(answerPage);

carryOut();
