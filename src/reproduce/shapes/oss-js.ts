import { readEach, requestTo, type Shape } from '../sighting.ts';

/** What ali-oss puts behind an error of the network: `…, PUT https://… -2 (connected: true, keepalive socket: false)headers: {} part_num: 3`. */
export const ossJs: Shape = {
  name: 'ali-oss',
  find: (text) =>
    readEach(text, /, ([A-Z]{3,7}) (https?:\/\/\S{1,2000}) -[12] \(connected: /g, ([, method, url = '']) => ({
      ...requestTo(url, method),
      provider: 'aliyun-oss',
      weight: 'hint',
    })),
};
