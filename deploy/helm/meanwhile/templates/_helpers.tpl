{{- define "meanwhile.name" -}}
{{- if contains "meanwhile" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-meanwhile" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "meanwhile.labels" -}}
app.kubernetes.io/name: meanwhile
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* How the pods of a component are known: (dict "root" $ "component" "server") */}}
{{- define "meanwhile.selector" -}}
app.kubernetes.io/name: meanwhile
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "meanwhile.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Secrets come as files: they stand in no environment that others can list. */}}
{{- define "meanwhile.secrets" -}}
- { name: MEANWHILE_DATABASE_URL_FILE, value: /run/secrets/meanwhile/database-url }
- { name: AWS_ACCESS_KEY_ID_FILE, value: /run/secrets/meanwhile/s3-access-key }
- { name: AWS_SECRET_ACCESS_KEY_FILE, value: /run/secrets/meanwhile/s3-secret-key }
{{- end }}

{{/* What every container of ours may do: next to nothing. */}}
{{- define "meanwhile.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "meanwhile.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {{ toYaml .Values.seccompProfile | nindent 2 }}
{{- end }}

{{/* Volumes of a component: (dict "root" $ "scratch" "2Gi") */}}
{{- define "meanwhile.volumes" -}}
- name: data
  emptyDir: { sizeLimit: {{ .scratch }} }
- name: tmp
  emptyDir: { sizeLimit: 256Mi }
- name: secrets
  secret:
    secretName: {{ .root.Values.secret }}
    defaultMode: 0440
{{- end }}

{{- define "meanwhile.mounts" -}}
- { name: data, mountPath: /data }
- { name: tmp, mountPath: /tmp }
- { name: secrets, mountPath: /run/secrets/meanwhile, readOnly: true }
{{- end }}
